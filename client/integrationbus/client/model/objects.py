"""The internal objects and pages that tasks made."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from integrationbus.client.model.payloads import ExternalId, FieldValue

__all__ = ["BusObject", "ExternalKey"]


@dataclass(frozen=True, slots=True)
class ExternalKey:
    """An object's id in an external system, and the connector that knows it by this id."""

    connector: str
    external_id: ExternalId


@dataclass(frozen=True, slots=True, kw_only=True)
class BusObject:
    """An internal object, or one culture version of a page.

    ``guid`` is None when the type has none. ``code_name`` is the path of a page. ``fields`` are the columns by
    attribute name, without the id; foreign keys hold internal ids.
    """

    object_type: str
    id: int
    guid: UUID | None
    code_name: str
    fields: Mapping[str, FieldValue]
