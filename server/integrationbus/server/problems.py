"""Why an attempt at a task fails, as exceptions with data. ``code`` is a number of google.rpc.Code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from integrationbus.server.object_names import ObjectName
from integrationbus.server.task import AwaitedKey, TaskError, TaskStage

__all__ = [
    "BehindWaitingTask",
    "ConnectorFailed",
    "IdentityMissing",
    "KeyAmbiguous",
    "KeyLookupFailed",
    "KeyNotFound",
    "KeyWaitExpired",
    "MissingKey",
    "MissingTarget",
    "ParentNotFound",
    "PayloadUndecodable",
    "SiteNotFound",
    "TargetNotFound",
    "TargetRefused",
    "TaskProblem",
    "WorkerCrashLoop",
    "WrongObject",
]

_INVALID_ARGUMENT, _NOT_FOUND, _FAILED_PRECONDITION, _ABORTED, _UNKNOWN, _UNAVAILABLE = 3, 5, 9, 10, 2, 14

_MESSAGE_LIMIT_BYTES = 4096


class TaskProblem(Exception):
    """The attempt in hand fails."""

    reason: ClassVar[str]
    code: ClassVar[int]
    stage: ClassVar[TaskStage]

    def __init__(self, message: str, *, field_paths: Sequence[str] = (), retryable: bool = False) -> None:
        super().__init__(message)
        self.field_paths = tuple(field_paths)
        self.retryable = retryable

    def to_error(self, occurred_at: datetime) -> TaskError:
        """The problem as it is stored: its message without control characters and cut to 4 KiB."""
        return TaskError(
            code=self.code,
            reason=self.reason,
            stage=self.stage,
            message=_clean(str(self)),
            occurred_at=occurred_at,
            field_paths=self.field_paths,
            retryable=self.retryable,
        )


class PayloadUndecodable(TaskProblem):
    """The stored payload cannot be turned into what the connector receives."""

    reason, code, stage = "PAYLOAD_UNDECODABLE", _INVALID_ARGUMENT, TaskStage.DECODE


class ConnectorFailed(TaskProblem):
    """The connector raised an exception, whatever its class."""

    reason, code, stage = "CONNECTOR_FAILED", _UNKNOWN, TaskStage.PREPARE

    @classmethod
    def by(cls, error: BaseException, method: str, *, retryable: bool) -> "ConnectorFailed":
        """The problem of an exception from a method of the connector."""
        return cls(f"{method} raised {type(error).__name__}: {_text_of(error)}", retryable=retryable)


class KeyLookupFailed(ConnectorFailed):
    """The connector could not say where the target of a foreign key is found."""

    stage = TaskStage.TRANSLATE


class WrongObject(TaskProblem):
    """The connector returned nothing, or something else than an internal object of its own."""

    reason, code, stage = "WRONG_OBJECT", _FAILED_PRECONDITION, TaskStage.PREPARE


@dataclass(frozen=True, slots=True)
class MissingKey:
    """What is missing: as the task names it, and the name under which it will be recognised when it is written."""

    awaited: AwaitedKey
    name: ObjectName


class MissingTarget(TaskProblem):
    """Something does not exist that the task points at, so that the task may wait for it."""

    stage = TaskStage.TRANSLATE

    def __init__(self, message: str, missing: Sequence[MissingKey], *, field_paths: Sequence[str] = ()) -> None:
        super().__init__(message, field_paths=field_paths)
        self.missing = tuple(missing)


class KeyNotFound(MissingTarget):
    """A foreign key points at something that does not exist."""

    reason, code = "KEY_NOT_FOUND", _NOT_FOUND


class BehindWaitingTask(MissingTarget):
    """An earlier task about the same object waits."""

    reason, code = "KEY_NOT_FOUND", _NOT_FOUND


class KeyWaitExpired(MissingTarget):
    """What the task waited for did not appear in time."""

    reason, code = "KEY_WAIT_EXPIRED", _NOT_FOUND


class KeyAmbiguous(TaskProblem):
    """A key fits several objects."""

    reason, code, stage = "KEY_AMBIGUOUS", _FAILED_PRECONDITION, TaskStage.TRANSLATE


class SiteNotFound(MissingTarget):
    """The site of the task does not exist."""

    reason, code = "SITE_NOT_FOUND", _NOT_FOUND


class IdentityMissing(TaskProblem):
    """The prepared object has nothing to be found by."""

    reason, code, stage = "IDENTITY_MISSING", _INVALID_ARGUMENT, TaskStage.APPLY


class ParentNotFound(MissingTarget):
    """The parent page does not exist."""

    reason, code, stage = "PARENT_NOT_FOUND", _NOT_FOUND, TaskStage.APPLY


class TargetNotFound(TaskProblem):
    """The page to move, publish, archive or reject does not exist."""

    reason, code, stage = "TARGET_NOT_FOUND", _NOT_FOUND, TaskStage.APPLY


class TargetRefused(TaskProblem):
    """The target does not take the values."""

    reason, code, stage = "TARGET_REFUSED", _INVALID_ARGUMENT, TaskStage.APPLY


class WorkerCrashLoop(TaskProblem):
    """The process died several times while it worked on this task alone."""

    reason, code, stage = "WORKER_CRASH_LOOP", _ABORTED, TaskStage.PREPARE


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - user code: __str__ of an exception may raise anything
        return "(its text cannot be read)"


def _clean(message: str) -> str:
    """Printable, encodable, and of bounded size: the text may come from user code."""
    printable = "".join(
        char if char.isprintable() or char == "\n" else "\ufffd" for char in message[:_MESSAGE_LIMIT_BYTES]
    )
    return printable.encode("utf-8", "replace")[:_MESSAGE_LIMIT_BYTES].decode("utf-8", "ignore")
