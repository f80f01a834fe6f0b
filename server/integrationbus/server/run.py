"""Runs: passes of a connector over its line."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum

__all__ = ["NotifyOutcome", "Run", "RunCounts", "RunState", "RunTicket", "RunTrigger"]


class RunTrigger(IntEnum):
    """What started a run."""

    LOG = 1
    NOTIFY = 2
    SCHEDULE = 3
    RESUME = 4
    STARTUP = 5
    CALL = 6


class RunState(IntEnum):
    """Where a run stands. Everything but RUNNING is final."""

    RUNNING = 1
    COMPLETED = 2
    HALTED = 3
    STOPPED = 4
    INTERRUPTED = 5
    CANCELLED = 6


class NotifyOutcome(IntEnum):
    """What a request for processing did for one connector."""

    STARTED = 1
    COALESCED = 2
    REFUSED_HALTED = 3
    REFUSED_PAUSED = 4
    REFUSED_UNHEALTHY = 5
    REFUSED_DISABLED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """What a run did, in tasks and attempts."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    deleted: int = 0
    retried: int = 0
    waiting: int = 0

    def __add__(self, other: "RunCounts") -> "RunCounts":
        return RunCounts(**{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass over the line of a connector. ``halted_by`` is the id of the task that halted it, or empty."""

    id: str
    connector: str
    trigger: RunTrigger
    state: RunState
    requested_by: str
    reason: str
    counts: RunCounts
    halted_by: str
    started_at: datetime
    ended_at: datetime | None
    cancelled_by: str = ""
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTicket:
    """What a request for processing did for one connector; ``run`` is None when it was refused."""

    connector: str
    outcome: NotifyOutcome
    run: Run | None = None
    message: str = ""
