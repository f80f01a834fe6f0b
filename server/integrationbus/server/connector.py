"""Connectors as the queue knows them: a name, a place in the database, and what holds them back."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["ConnectorRecord", "ConnectorState", "ConnectorStatus", "HeadAction", "Lease", "TaskCounts", "TriggerMode"]


class ConnectorState(IntEnum):
    """What a connector is doing."""

    IDLE = 1
    RUNNING = 2
    HALTED = 3
    PAUSED = 4
    UNHEALTHY = 5
    DISABLED = 6


class TriggerMode(IntEnum):
    """What starts a connector's runs besides a notify."""

    ON_LOG = 1
    ON_NOTIFY = 2
    ON_SCHEDULE = 3


class HeadAction(IntEnum):
    """What to do with the task that halted a connector."""

    RETRY = 1
    SKIP = 2
    DELETE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """The tasks of a connector by state."""

    pending: int = 0
    running: int = 0
    retry_wait: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    deleted: int = 0
    waiting: int = 0

    @property
    def unsettled(self) -> int:
        """Tasks in the line that have not been settled yet."""
        return self.pending + self.running + self.retry_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRecord:
    """The stored side of a connector.

    ``processing_on`` says whether the switches of the bus let it run, ``run_open`` whether a run has not ended.
    ``halted_by`` is the id of the task that halted it, or empty. ``position`` is the newest position of its feed,
    ``feed_floor`` the newest one that is no longer kept.
    """

    id: int
    name: str
    class_path: str
    paused: bool
    paused_by: str
    pause_reason: str
    enabled: bool
    disabled_by: str
    disable_reason: str
    processing_on: bool
    run_open: bool
    halted_by: str
    halted_sequence: int | None
    position: int
    feed_floor: int
    counts: TaskCounts

    @property
    def never_began(self) -> bool:
        """Whether its class was never loaded, so that it has no name but its path, and nothing was logged for it."""
        return self.name == self.class_path and self.position == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorStatus:
    """A connector with what it is doing, and why if something holds it."""

    record: ConnectorRecord
    state: ConnectorState
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to process one connector. A higher ``epoch`` ends the right of every lower one."""

    connector_id: int
    connector: str
    owner: str
    epoch: int
