"""Calls that log tasks: what is to be stored, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integrationbus.server.errors import BusError, ConnectorDisabled, FieldProblem, LoggingOff, RequestIdReused
from integrationbus.server.log_streams import MisplacedEntry, StreamPlace
from integrationbus.server.task import (
    NewTask,
)
from integrationbus.server.value import value

__all__ = [
    "LogEntry",
    "LogReceipt",
    "LoggedTask",
    "NotStored",
    "RequestKey",
    "ReusedRequest",
    "SwitchedOff",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """What makes a call repeatable. ``body_digest`` tells a repetition from another request under the same id."""

    creator: str
    request_id: str
    body_digest: bytes


@value
class LogEntry:
    """One call, or a part of a stream, that logs tasks: all of them are stored, in their order, or none."""

    tasks: Sequence[NewTask]
    request: RequestKey | None = None
    place: StreamPlace | None = None


@value
class LoggedTask:
    """Where a task was stored. ``position`` is that of its first event in the connector's feed."""

    id: str
    connector: str
    sequence: int
    position: int


@value
class LogReceipt:
    """What became of a LogEntry: the tasks in their order, now or by an earlier call with the same request.

    ``stored_at`` is None for what was stored before.
    """

    tasks: Sequence[LoggedTask]
    stored_at: datetime | None = None

    @property
    def duplicate(self) -> bool:
        """Whether it was stored by an earlier call."""
        return self.stored_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusedRequest:
    """A LogEntry that was not stored, because its request id belongs to another body."""

    request_id: str

    def error(self) -> BusError:
        """What the caller is told."""
        text = f"{self.request_id!r} was used before with another body; a new request needs an id of its own"
        return RequestIdReused(FieldProblem("request_id", text))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """A LogEntry that was not stored, because logging is switched off: for one connector, or for all (empty)."""

    connector: str = ""

    def error(self) -> BusError:
        """What the caller is told."""
        if self.connector:
            return ConnectorDisabled(self.connector)
        return LoggingOff("the bus takes no tasks now: logging is switched off; log again later")


NotStored = ReusedRequest | SwitchedOff | MisplacedEntry
"""Why a LogEntry was not stored; ``error()`` is what the caller is told."""
