"""Internal objects as they are shown, and the ways to name one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

__all__ = ["ByCodeName", "ByExternalId", "ByGuid", "ById", "ObjectKey", "ObjectView"]


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
