"""Runs: a connector's passes over its line."""

from dataclasses import dataclass
from datetime import datetime

from integrationbus.client.model.enums import NotifyOutcome, RunState, RunTrigger
from integrationbus.client.model.resume_token import ResumeToken

__all__ = ["Run", "RunCounts", "RunTicket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """What a run did.

    Tasks applied, attempts that failed, tasks passed over, tasks taken out, attempts to repeat, and tasks that began to
    wait for a key.
    """

    succeeded: int
    failed: int
    skipped: int
    deleted: int
    retried: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass of a connector over its line.

    ``requested_by`` is the application that asked for it, empty when nobody did. ``remaining`` is the number of tasks
    in the line when the server answered. ``halted_by`` is the id of the task that halted it, otherwise empty.
    ``cancelled_by`` is the application that cancelled it.
    """

    id: str
    connector: str
    trigger: RunTrigger
    state: RunState
    requested_by: str
    reason: str
    counts: RunCounts
    remaining: int
    halted_by: str
    started_at: datetime
    ended_at: datetime | None
    cancelled_by: str = ""
    cancel_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTicket:
    """What a request for processing did for one connector.

    ``run`` is the run that was started or joined; when refused, it is None and ``message`` says why. A watch from
    ``resume_token`` sees everything that the run changes.
    """

    connector: str
    outcome: NotifyOutcome
    run: Run | None
    resume_token: ResumeToken
    message: str
