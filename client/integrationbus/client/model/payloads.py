"""What a task can carry, and the values that a record can hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, Field, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any as AnyType
from typing import ClassVar, Protocol, TypeAlias
from uuid import UUID

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message

from integrationbus.client.model.enums import SnapshotHandling

__all__ = [
    "Encoded",
    "ExternalId",
    "FieldValue",
    "Json",
    "Payload",
    "PreparedObject",
    "PreparedPage",
    "PreparedPart",
    "Reference",
    "StoredPayload",
]

ExternalId: TypeAlias = str | int
"""An id in the external system. Integers may have any size and travel as decimal text: 5 and "5" are the same id."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key by external id, as a value of a record.

    ``object_type`` is empty when the column that receives the key says what it points at.
    """

    external_id: ExternalId
    object_type: str = ""


FieldValue: TypeAlias = (
    bool
    | int
    | float
    | Decimal
    | str
    | bytes
    | datetime
    | timedelta
    | UUID
    | Reference
    | list["FieldValue"]
    | dict[str, "FieldValue"]
    | None
)
"""A value of a record as it is read back: integers have 64 bits, datetimes are aware and in UTC."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An external object in a serialised form.

    ``schema`` names the schema that the bytes follow; it is free text for the connector. The SHA-256 of ``data``
    travels along, and the server checks it.
    """

    content_type: str
    data: bytes
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Json:
    """An external object as JSON; the connector receives it parsed. ``value`` is anything that ``json.dumps`` takes."""

    value: object
    schema: str = ""

    def encoded(self) -> Encoded:
        """Serialise the value. Raises TypeError or ValueError for one that JSON cannot hold, as NaN is."""
        text = json.dumps(self.value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return Encoded("application/json", text.encode(), self.schema)


@dataclass(frozen=True, slots=True)
class PreparedObject:
    """An internal object that the caller prepared itself: the connector's ``prepare_internal_object`` is not called.

    ``fields`` are the columns to write by attribute name, with what a record can hold as values. Foreign keys are
    references, or plain external ids. ``parts`` are its children and bindings, with the data type SNAPSHOT only. An
    object in a part may have an ``external_id`` of its own; the main object has that of the task.
    """

    object_type: str
    fields: Mapping[str, object]
    _: KW_ONLY
    parts: Sequence["PreparedPart"] = ()
    external_id: ExternalId = ""


@dataclass(frozen=True, slots=True)
class PreparedPart:
    """The children, or the bindings, of one type that belong to a prepared object.

    ``handling`` says what becomes of stored ones that are not mentioned; None: what their class says. ``through`` is
    their attribute that points at the object, and needs naming only where several could.
    """

    object_type: str
    objects: Sequence[PreparedObject] = ()
    _: KW_ONLY
    handling: SnapshotHandling | None = None
    through: str = ""


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """An internal page in one culture that the caller prepared itself; its site is the task's site.

    It is found by ``node_guid`` or else by its path. To create it, ``alias`` is needed, and its parent is named by
    ``parent``, by ``parent_path``, or by neither for the root of the site. ``order`` is its place among the pages with
    the same parent, 1 for the first; 0 leaves it to the server.
    """

    object_type: str
    culture: str
    fields: Mapping[str, object]
    _: KW_ONLY
    node_guid: UUID | None = None
    alias: str = ""
    parent_path: str = ""
    parent: Reference | None = None
    order: int = 0


class DataclassInstance(Protocol):
    """An instance of any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[AnyType]]]


Payload: TypeAlias = Mapping[str, object] | DataclassInstance | Message | Encoded | Json | PreparedObject | PreparedPage
"""What a task can carry.

A mapping or a dataclass instance travels as a record. Its values are None, bool, int of 64 bits, float, Decimal, str,
bytes, aware datetime, timedelta, UUID, Reference, and lists, tuples, mappings and dataclass instances of these, at most
32 levels deep. A protobuf message reaches the connector as that message; an ``Any`` as the message packed in it.
"""

StoredPayload: TypeAlias = dict[str, FieldValue] | Any | Encoded | PreparedObject | PreparedPage
"""A payload as it is read back. A protobuf message comes as an ``Any``, to be unpacked by who knows its type."""
