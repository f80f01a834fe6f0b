"""Reading one column of a class that a file describes."""

from collections.abc import Mapping

from integrationbus.connectors.declarative.class_names import ClassNames
from integrationbus.connectors.declarative.class_specs import ColumnSpec, ForeignKeySpec
from integrationbus.connectors.declarative.column_types import COLUMN_TYPES, read_default
from integrationbus.connectors.declarative.faults import Faults
from integrationbus.connectors.declarative.reading import Table
from integrationbus.connectors.declarative.source import Value
from integrationbus.connectors.models import Dependency

__all__ = ["read_column"]

_DATA_KEYS = ("type", "nullable", "default", "length", "precision", "scale")
_KEY_KEYS = ("references", "depends", "nullable", "default_code_name")
_ONLY_FOR = {"length": "text", "precision": "decimal", "scale": "decimal"}
_DEPENDENCIES = {each.value: each for each in Dependency}


def read_column(name: str, value: Value, names: ClassNames, faults: Faults) -> ColumnSpec | None:
    """A column, or a foreign key when it has ``references``; None when there is a fault."""
    before = len(faults)
    is_key = isinstance(value.content, Mapping) and "references" in value.content
    column = _foreign_key(name, value, names, faults) if is_key else _data_column(name, value, faults)
    return column if len(faults) == before else None


def _data_column(name: str, value: Value, faults: Faults) -> ColumnSpec:
    table = Table(value, faults, f"column {name}", _DATA_KEYS, ("type",))
    kind = table.choice("type", COLUMN_TYPES) or ""
    for option, its_type in _ONLY_FOR.items():
        if option in table and kind not in ("", its_type):
            faults.add(table.position_of(option), f"{option} goes with the type {its_type} only, not with {kind}")
    return ColumnSpec(
        name=name,
        type=kind,
        length=table.whole_number("length", least=1),
        precision=table.whole_number("precision", least=1),
        scale=table.whole_number("scale", least=0),
        nullable=table.flag("nullable", default=False),
        default=_default(table, kind, faults),
    )


def _default(table: Table, kind: str, faults: Faults) -> bool | float | str | None:
    value = table.get("default")
    if value is None or not kind:
        return None
    if not isinstance(value.content, bool | int | float | str):
        faults.add(value.position, f"default must be a value of the type {kind}, not {value.kind}")
        return None
    try:
        read_default(kind, value.content)
    except ValueError as error:
        faults.add(value.position, str(error))
    return value.content


def _foreign_key(name: str, value: Value, names: ClassNames, faults: Faults) -> ColumnSpec | None:
    table = Table(value, faults, f"foreign key {name}", _KEY_KEYS, ("depends",))
    depends = table.choice("depends", _DEPENDENCIES)
    references = table.text("references")
    target = names.find(references, table.position_of("references"), faults) if references else None
    if target is None or depends is None:
        return None
    dependency = _DEPENDENCIES[depends]
    code_name = table.text("default_code_name")
    if (dependency is Dependency.REQUIRED_HAS_DEFAULT) != (code_name is not None):
        place = table.position_of("default_code_name")
        faults.add(place, "default_code_name goes with depends: required_has_default, and only with it")
    can_become_null = dependency is Dependency.NOT_REQUIRED
    nullable = table.flag("nullable", default=can_become_null)
    if can_become_null and not nullable:
        faults.add(
            table.position_of("nullable"), "a foreign key that is not_required becomes null; it must be nullable"
        )
    key = ForeignKeySpec(target=target.foreign_key_target, dependency=dependency, default_code_name=code_name)
    return ColumnSpec(name=name, type="foreign key", nullable=nullable, foreign_key=key)
