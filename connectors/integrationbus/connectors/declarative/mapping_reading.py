"""Reading ``mappings``."""

from collections.abc import Callable, Iterator, Mapping

from integrationbus.connectors.declarative.class_names import ClassNames, NamedClass
from integrationbus.connectors.declarative.expressions import compile_expression
from integrationbus.connectors.declarative.faults import Faults, did_you_mean
from integrationbus.connectors.declarative.mapping import Field, ObjectMapping
from integrationbus.connectors.declarative.reading import Table, items_of, named_values
from integrationbus.connectors.declarative.source import Value

__all__ = ["OBJECT_VARIABLES", "read_mappings"]

OBJECT_VARIABLES = ("object", "task_type", "data_type", "site")
"""What the expressions of a mapping may use."""


def read_mappings(
    value: Value, names: ClassNames, faults: Faults
) -> list[tuple[NamedClass, Callable[[], ObjectMapping]]]:
    """The class of each mapping, and what makes the mapping once the file is known to be without faults."""
    items = items_of(value, faults, "mappings")
    if value.content == []:
        faults.add(value.position, "mappings needs at least one mapping")
    return [found for item in items if (found := _mapping(item, names, faults))]


def _mapping(value: Value, names: ClassNames, faults: Faults) -> tuple[NamedClass, Callable[[], ObjectMapping]] | None:
    table = Table(value, faults, "a mapping", ("class", "when", "fields"), ("class", "fields"))
    name = table.text("class")
    named = names.find(name, table.position_of("class"), faults) if name else None
    condition = table.get("when")
    when = compile_expression(condition, OBJECT_VARIABLES, faults) if condition else None
    given = table.get("fields")
    fields = tuple(_fields(given, named, faults)) if given else ()
    if named is None:
        return None
    return named, lambda: ObjectMapping(cls=named.get(), when=when, fields=fields)


def _fields(value: Value, named: NamedClass | None, faults: Faults) -> Iterator[Field]:
    names = set()
    if value.content == {}:
        faults.add(value.position, "fields needs at least one attribute")
    for name, entry in named_values(value, faults, "fields"):
        names.add(name)
        if named is not None and name not in named.attributes:
            reason = did_you_mean(name, named.attributes)
            faults.add(entry.key, f"{named.object_type} has no attribute {name} that a connector may set; {reason}")
        if field := _field(name, entry.value, faults):
            yield field
    if named is not None and named.is_page:
        if "document_culture" not in names:
            faults.add(value.position, "the fields of a page need document_culture")
        if names.isdisjoint({"node_guid", "node_alias"}):
            faults.add(value.position, "the fields of a page need node_alias or node_guid")


def _field(name: str, value: Value, faults: Faults) -> Field | None:
    """An expression, or a table with it and ``optional``."""
    optional = False
    source: Value | None = value
    if isinstance(value.content, Mapping):
        table = Table(value, faults, f"field {name}", ("value", "optional"), ("value",))
        optional = table.flag("optional", default=False)
        source = table.get("value")
    expression = compile_expression(source, OBJECT_VARIABLES, faults) if source else None
    return None if expression is None else Field(attribute=name, expression=expression, optional=optional)
