"""What follows from a failed attempt: one pure decision."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from integrationbus.connectors.policies import RetryPolicy
from integrationbus.server.task import ProcessType, Task, TaskState

__all__ = ["AfterFailure", "Verdict", "after_failure"]


class Verdict(Enum):
    """What happens to a task that failed, and to the tasks behind it."""

    RETRY = auto()
    """It is tried again soon and holds the line until then."""
    HALT = auto()
    """It stays at the head and the connector halts."""
    TRY_IN_LATER_RUN = auto()
    """It stays, the run goes on, and a later run takes it again."""
    GIVE_UP = auto()
    """It stays as a record of the failure, the run goes on, and no run takes it again."""
    DELETE = auto()
    """It is taken out with its error, and the run goes on."""

    @property
    def state(self) -> TaskState:
        """The state that the task goes to."""
        return _STATES[self]

    @property
    def stays_in_line(self) -> bool:
        """Whether a run that comes by takes the task."""
        return self in (Verdict.RETRY, Verdict.HALT, Verdict.TRY_IN_LATER_RUN)


_STATES = {
    Verdict.RETRY: TaskState.RETRY_WAIT,
    Verdict.HALT: TaskState.FAILED,
    Verdict.TRY_IN_LATER_RUN: TaskState.FAILED,
    Verdict.GIVE_UP: TaskState.FAILED,
    Verdict.DELETE: TaskState.DELETED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterFailure:
    """The verdict, and when the next attempt is due if there is one with a date."""

    verdict: Verdict
    next_attempt_at: datetime | None = None


def after_failure(task: Task, *, retryable: bool, policy: RetryPolicy, now: datetime) -> AfterFailure:
    """Decide what follows from the failure of the attempt in hand.

    ``task`` is the task as it was when the attempt began, so its counters do not hold this failure yet. A retryable
    error is tried again while attempts of this go are left; then the process type decides.
    """
    if retryable and task.retry_count + 1 < policy.max_attempts:
        return AfterFailure(verdict=Verdict.RETRY, next_attempt_at=now + policy.delay_after(task.retry_count + 1))
    match task.effective_process_type:
        case ProcessType.SKIP_ON_ERROR:
            failures = task.failure_count + 1
            if failures >= policy.max_failures:
                return AfterFailure(verdict=Verdict.GIVE_UP)
            return AfterFailure(verdict=Verdict.TRY_IN_LATER_RUN, next_attempt_at=now + policy.delay_after(failures))
        case ProcessType.DELETE_ON_ERROR:
            return AfterFailure(verdict=Verdict.DELETE)
        case _:
            return AfterFailure(verdict=Verdict.HALT)
