"""Reading ``keys`` and ``page_keys``."""

from collections.abc import Collection, Mapping

from integrationbus.connectors.declarative.class_names import ClassNames
from integrationbus.connectors.declarative.expressions import compile_expression
from integrationbus.connectors.declarative.faults import Faults
from integrationbus.connectors.declarative.lookups import Lookup
from integrationbus.connectors.declarative.reading import Table, named_values
from integrationbus.connectors.declarative.source import Value

__all__ = ["read_keys", "read_page_keys"]

_KEYS = ("code_name", "site", "parent_id", "group_id")
_PAGE_KEYS = ("node_guid", "culture", "site")


def read_keys(value: Value, names: ClassNames, faults: Faults) -> Mapping[str, Lookup]:
    """How objects are found, by the type of the object that a foreign key points at."""
    lookups = {}
    for object_type, entry in named_values(value, faults, "keys"):
        named = names.find(object_type, entry.key, faults)
        if named is not None and named.is_page:
            faults.add(entry.key, f"{object_type} is a page: page_keys says how pages are found")
        table = Table(entry.value, faults, f"keys of {object_type}", _KEYS, ("code_name",))
        lookup = _lookup(table, _KEYS, ("id", "object_type"), faults)
        lookups[named.object_type if named else object_type] = lookup
    return lookups


def read_page_keys(value: Value, names: ClassNames, faults: Faults) -> Mapping[str, Lookup]:
    """How pages are found, by the type of the object or page that holds the foreign key."""
    lookups = {}
    for object_type, entry in named_values(value, faults, "page_keys"):
        named = names.find(object_type, entry.key, faults)
        table = Table(entry.value, faults, f"page_keys of {object_type}", _PAGE_KEYS, _PAGE_KEYS)
        lookup = _lookup(table, _PAGE_KEYS, ("id", "class_name"), faults)
        lookups[named.object_type if named else object_type] = lookup
    return lookups


def _lookup(table: Table, known: Collection[str], variables: Collection[str], faults: Faults) -> Lookup:
    given = {name: item for name in known if (item := table.get(name))}
    compiled = {name: compile_expression(item, variables, faults) for name, item in given.items()}
    return {name: expression for name, expression in compiled.items() if expression is not None}
