"""Whether a task waits for a missing key, and how long."""

from datetime import datetime, timedelta

from integrationbus.connectors.policies import MissingKeyPolicy, WaitForMissingKey
from integrationbus.server.task import MissingKeyAction, Task

__all__ = ["may_wait", "wait_limit"]


def may_wait(task: Task, policy: MissingKeyPolicy, now: datetime) -> bool:
    """Whether a missing key makes the task wait: the task says so, else the connector; not after its deadline."""
    if task.wait_deadline is not None and task.wait_deadline <= now:
        return False
    if task.missing_key is None:
        return isinstance(policy, WaitForMissingKey)
    return task.missing_key is MissingKeyAction.WAIT


def wait_limit(task: Task, policy: MissingKeyPolicy) -> timedelta | None:
    """How long the task waits at most; None: for ever."""
    if task.wait_limit is not None:
        return task.wait_limit
    return policy.limit if isinstance(policy, WaitForMissingKey) else None
