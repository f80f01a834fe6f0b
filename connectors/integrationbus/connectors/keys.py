"""Foreign keys: how a connector names the target of one."""

from dataclasses import dataclass
from uuid import UUID

__all__ = ["DocumentParams", "ExternalId", "ObjectParams", "Reference"]

ExternalId = str | int
"""An id in the external system. Integers may have any size; 5 and "5" are the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectParams:
    """Where to find the internal object that a foreign key points at.

    ``code_name`` is compared byte for byte; the rest narrows the search. ``parent_id`` and ``group_id`` are external
    ids themselves and are translated first. Two objects that fit are an error of the task, never a guess.
    """

    code_name: str
    site_name: str | None = None
    parent_id: ExternalId | None = None
    group_id: ExternalId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentParams:
    """Where to find the page that a foreign key points at: exactly one page in one culture of one site."""

    node_guid: UUID
    culture_code: str
    site_name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key by external id, as it stands in a record.

    ``object_type`` is empty when the column that receives the key says what it points at.
    """

    external_id: ExternalId
    object_type: str = ""
