"""What the server says about itself and its API."""

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["EnumInfo", "EnumValueInfo", "Limits", "Replica", "Retention", "ServerInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may hold; what goes over is refused and nothing of it is stored.

    Sizes are of the serialised form. ``max_record_values`` counts the values of all levels.
    """

    max_message_bytes: int
    max_payload_bytes: int
    max_tasks_per_call: int
    max_record_depth: int
    max_record_values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the server keeps what is over; None is for ever. Tasks in the line and waiting ones are always kept.

    ``failed`` is about FAILED and SKIPPED tasks that are out of the line. Resume tokens are good for as long as
    ``events`` says, and a call can be repeated with its request id for as long as ``request_ids`` says.
    """

    succeeded: timedelta | None
    failed: timedelta | None
    deleted: timedelta | None
    events: timedelta | None
    request_ids: timedelta | None
    runs: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """The server: its version, its store, the methods it answers, its limits, and how long it keeps what is over.

    ``database`` is "sqlite" or "postgresql". ``methods`` are full names of RPC methods.
    """

    version: str
    store_id: str
    database: str
    methods: tuple[str, ...]
    limits: Limits
    started_at: datetime
    retention: Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A server that works on the database. ``answers`` says whether it is the one that was asked.

    ``processes`` are the names of the connectors that it processes at present, ``connectors`` of those that it could.
    """

    id: str
    started_at: datetime
    answers: bool
    processes: tuple[str, ...]
    connectors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValueInfo:
    """One value of an enumeration of the API.

    ``name`` is the full name, ``short_name`` the name without its prefix. ``is_default`` says whether the value is what
    an unspecified one is taken as.
    """

    number: int
    name: str
    short_name: str
    description: str
    applies_to_objects: bool
    applies_to_pages: bool
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumInfo:
    """An enumeration of the API, with its values by number."""

    name: str
    description: str
    values: tuple[EnumValueInfo, ...]
