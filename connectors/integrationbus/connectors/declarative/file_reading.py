"""Reading a whole connector file."""

import re
from collections.abc import Callable

from integrationbus.connectors.declarative.class_names import ClassNames
from integrationbus.connectors.declarative.class_reading import read_classes
from integrationbus.connectors.declarative.connector import DeclarativeConnector, Rules
from integrationbus.connectors.declarative.faults import Faults
from integrationbus.connectors.declarative.lookup_reading import read_keys, read_page_keys
from integrationbus.connectors.declarative.mapping_reading import read_mappings
from integrationbus.connectors.declarative.policy_reading import (
    read_accepts,
    read_missing_key,
    read_retry,
    read_trigger,
)
from integrationbus.connectors.declarative.reading import Table
from integrationbus.connectors.declarative.source import Value
from integrationbus.connectors.policies import Accepts, FailOnMissingKey, OnLog, RetryPolicy

__all__ = ["read_connector"]

_KEYS = (
    "accepts",
    "classes",
    "clear_translations_after_processing",
    "display_name",
    "keys",
    "mappings",
    "missing_key",
    "name",
    "page_keys",
    "retry",
    "trigger",
)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_JSON_AND_RECORDS = Accepts(content_types=("application/json",), prepared=False)


def read_connector(value: Value, faults: Faults) -> Callable[[], type[DeclarativeConnector]]:
    """Read all of a file. What it returns makes the class, and must be called only when there are no faults."""
    table = Table(value, faults, "a connector", _KEYS, ("name", "mappings"))
    name = table.text("name") or ""
    if name and not _NAME.fullmatch(name):
        reason = "name must be 1 to 100 of a-z 0-9 . _ - and start with a letter or a digit"
        faults.add(table.position_of("name"), reason)
    display_name = table.text("display_name") or ""
    trigger = read_trigger(given, faults) if (given := table.get("trigger")) else OnLog()
    retry = read_retry(given, faults) if (given := table.get("retry")) else RetryPolicy()
    missing_key = read_missing_key(given, faults) if (given := table.get("missing_key")) else FailOnMissingKey()
    accepts = read_accepts(given, faults) if (given := table.get("accepts")) else _JSON_AND_RECORDS
    forgets = table.flag("clear_translations_after_processing", default=True)
    names = ClassNames()
    if given := table.get("classes"):
        read_classes(given, names, faults)
    mappings = read_mappings(given, names, faults) if (given := table.get("mappings")) else []
    keys = read_keys(given, names, faults) if (given := table.get("keys")) else {}
    page_keys = read_page_keys(given, names, faults) if (given := table.get("page_keys")) else {}

    def make() -> type[DeclarativeConnector]:
        classes = [*names.described, *names.imported, *(named for named, _ in mappings)]
        content = {
            "__doc__": f"{display_name or name}, described in a file.",
            "name": name,
            "display_name": display_name,
            "trigger": trigger,
            "retry": retry,
            "missing_key": missing_key,
            "accepts": accepts,
            "clear_translations_after_processing": forgets,
            "object_classes": tuple(dict.fromkeys(named.get() for named in classes)),
            "rules": Rules(mappings=[each() for _, each in mappings], keys=keys, page_keys=page_keys),
        }
        return type(name, (DeclarativeConnector,), content)

    return make
