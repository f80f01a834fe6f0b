"""Connectors as the server knows them."""

from dataclasses import dataclass
from datetime import datetime

from integrationbus.client.model.enums import ConnectorState, TriggerMode
from integrationbus.client.model.runs import Run

__all__ = ["Connector", "ConnectorStats", "ResumedConnector", "TaskCounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """The tasks of a connector by state."""

    pending: int
    running: int
    retry_wait: int
    succeeded: int
    failed: int
    skipped: int
    deleted: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector.

    ``class_path`` is "module:Class", empty when it is no longer configured. ``problem`` says why it is paused, halted,
    unhealthy or disabled, ``paused_by`` who paused or disabled it. ``halted_by`` is the id of the task that halted it.
    ``schedule`` is an interval or a cron expression. ``accepts`` are payload forms: "record", "object", "page",
    "message:..." with a message name, "encoded:..." with a content type. ``object_types`` are the internal types that
    it makes.
    """

    name: str
    display_name: str
    class_path: str
    state: ConnectorState
    problem: str
    paused_by: str
    halted_by: str
    trigger_mode: TriggerMode
    schedule: str
    accepts: tuple[str, ...]
    object_types: tuple[str, ...]
    counts: TaskCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumedConnector:
    """A connector after it was resumed, and the run that was started or joined."""

    connector: Connector
    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStats:
    """How much waits, since when, and how fast it goes.

    ``oldest_waiting_logged_at`` is None when nothing waits. The rates are over the last minute and of the answering
    server alone.
    """

    counts: TaskCounts
    oldest_waiting_logged_at: datetime | None
    logged_per_second: float
    settled_per_second: float
