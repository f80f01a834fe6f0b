"""What operators do with tasks, and what they see of them."""

from dataclasses import dataclass
from datetime import datetime

from integrationbus.client.model.enums import AttemptOutcome, Switch, TaskState
from integrationbus.client.model.payloads import FieldValue
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import TaskError, TaskResult

__all__ = [
    "FieldPreview",
    "KeyPreview",
    "SelectionResult",
    "SwitchState",
    "TaskAction",
    "TaskAttempt",
    "TaskHistory",
    "TaskPreview",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAttempt:
    """One attempt at a task; ``outcome`` and ``ended_at`` are None while it is in progress."""

    number: int
    run_id: str
    outcome: AttemptOutcome | None
    error: TaskError | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAction:
    """What an operator did with a task: the state that it went to, who asked for it, and why."""

    state: TaskState
    actor: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHistory:
    """Every attempt at a task, and every operator action on it, the oldest first."""

    attempts: tuple[TaskAttempt, ...]
    actions: tuple[TaskAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionResult:
    """What became of a selection of tasks.

    ``affected`` is how many were acted upon, or would have been. ``not_affected`` are named ones that could not be,
    each with an ErrorReason. A watch from ``resume_token`` sees everything that follows; None when nothing was changed.
    """

    affected: int
    not_affected: dict[str, str]
    resume_token: ResumeToken | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPreview:
    """A column that a task would write.

    ``before`` is None when there is no such object yet, ``after`` for a foreign key that is missing.
    """

    name: str
    before: FieldValue
    after: FieldValue
    changes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPreview:
    """A foreign key of a task; ``internal_id`` is None when there is no such object."""

    attribute: str
    object_type: str
    external_id: str
    internal_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPreview:
    """What a task would do now: ``result``; or why it would fail, or what it would wait for: ``problem``.

    ``object_type`` is empty when the connector did not come as far as an object.
    """

    result: TaskResult | None
    problem: TaskError | None
    object_type: str
    fields: tuple[FieldPreview, ...]
    keys: tuple[KeyPreview, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchState:
    """Where a switch of the bus stands, who changed it last, and why; ``changed_at`` is None when nobody has."""

    switch: Switch
    on: bool
    changed_by: str
    reason: str
    changed_at: datetime | None
