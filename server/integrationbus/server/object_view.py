"""Internal objects as they are shown, and the ways to name one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

__all__ = ["ByCodeName", "ByExternalId", "ByGuid", "ById", "KnownKey", "ObjectKey", "ObjectView", "ResolvedKey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectView:
    """An internal object, or a culture version of a page. ``guid`` and ``code_name`` are empty where there is none."""

    object_type: str
    id: int
    guid: str
    code_name: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ById:
    """By internal id."""

    id: int


@dataclass(frozen=True, slots=True)
class ByGuid:
    """By GUID."""

    guid: UUID


@dataclass(frozen=True, slots=True)
class ByCodeName:
    """By code name; for a page by path."""

    code_name: str


@dataclass(frozen=True, slots=True)
class ByExternalId:
    """By the id in the external system that a connector knows."""

    connector: str
    external_id: str


ObjectKey = ById | ByGuid | ByCodeName | ByExternalId


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One side of a key: an external id as text, or an internal id as a number. For pages that is the node's."""

    object_type: str
    known: str | int


@dataclass(frozen=True, slots=True)
class ResolvedKey:
    """Both sides of a key. ``external_ids`` is empty, and ``object_id`` 0, when it is not known."""

    object_type: str
    external_ids: tuple[str, ...]
    object_id: int
