"""The internal objects and pages that tasks made."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from uuid import UUID

from integrationbus.client.model.enums import TaskEffect
from integrationbus.client.model.payloads import ExternalId, FieldValue

__all__ = ["BusObject", "ExternalKey", "ObjectChange", "ObjectKey", "ResolvedKey"]


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


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """One side of a key, ``external_id`` or ``object_id``. Raises ValueError unless exactly one of them is given.

    The internal id of a page is that of its node, which all its cultures have in common.
    """

    object_type: str
    _: KW_ONLY
    external_id: ExternalId | None = None
    object_id: int | None = None

    def __post_init__(self) -> None:
        if (self.external_id is None) == (self.object_id is None):
            raise ValueError("a key has one side that is known: external_id or object_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedKey:
    """Both sides of a key.

    ``external_ids`` are several when several external objects became one, and empty when none is known. ``object_id``
    is None when it is not known.
    """

    object_type: str
    external_ids: tuple[str, ...]
    object_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One change of an object or page, and the task that made it.

    ``object_id`` is that of the culture version of a page, or of its node when all cultures were deleted.
    ``external_id`` is empty for an object that was written or deleted along. ``object`` is the object as it was when
    the change was sent; None unless it was asked for and was still there.
    """

    object_type: str
    object_id: int
    effect: TaskEffect
    connector: str
    task_id: str
    external_id: str
    run_id: str
    occurred_at: datetime
    object: BusObject | None
