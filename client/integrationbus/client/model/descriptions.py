"""What connectors make, and what keeps them from working."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrationbus.client.model.connectors import Connector
from integrationbus.client.model.enums import CheckOutcome, Dependency, SnapshotHandling

__all__ = [
    "ConnectorCheck",
    "ConnectorDescription",
    "FieldDescription",
    "ObjectTypeDescription",
    "PartDescription",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDescription:
    """A column of an internal type.

    ``type`` is as SQL names it. ``has_default`` says whether it may be left out on create. The rest is about foreign
    keys: ``target_type`` is the type that it points at, "page", or empty when the target is no type of the bus;
    ``dependency`` is None for other columns; ``default_code_name`` names the object that stands in for a missing one.
    """

    name: str
    type: str
    nullable: bool
    has_default: bool
    target_type: str
    dependency: Dependency | None
    default_code_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDescription:
    """A type whose objects may be parts of a snapshot; ``through`` is the attribute that points at their owner."""

    object_type: str
    through: str
    handling: SnapshotHandling


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectTypeDescription:
    """An internal type.

    ``class_path`` is "module:Class". ``roles`` are the attributes with a role: "code_name", "guid", "site", "parent",
    "group", "display_name". ``site_binding`` is the type that assigns objects to sites, empty when there is none.
    """

    object_type: str
    class_path: str
    is_page: bool
    table: str
    roles: Mapping[str, str]
    fields: tuple[FieldDescription, ...]
    parts: tuple[PartDescription, ...]
    site_binding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorDescription:
    """A connector, and the internal types that it makes, by name."""

    connector: Connector
    object_types: tuple[ObjectTypeDescription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorCheck:
    """One check of a connector. ``message`` says what is wrong and what to do; empty when the check passed."""

    subject: str
    outcome: CheckOutcome
    message: str
