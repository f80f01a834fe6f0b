"""What became of a task, in words."""

from integrationbus.client import AwaitedKey, Task, TaskError

__all__ = ["explain"]


def explain(task: Task) -> str:
    """The state of a task and what keeps it from success, for example why its last attempt failed."""
    reasons = []
    if task.last_error:
        reasons.append(_explain_error(task.last_error))
    if task.blocked_by:
        reasons.append(f"it waits behind task {task.blocked_by}, which failed")
    reasons += [_explain_wait(key) for key in task.waiting_for]
    if task.wait_deadline:
        reasons.append(f"it fails if it still waits at {task.wait_deadline}")
    if task.next_attempt_at:
        reasons.append(f"the next attempt is due at {task.next_attempt_at}")
    return "; ".join([f"{task.title!r} is {task.state.name} after {task.attempts} attempts", *reasons])


def _explain_wait(key: AwaitedKey) -> str:
    if key.behind_task_id:
        return f"it waits behind task {key.behind_task_id}, which waits as well"
    return f"it waits for {key.object_type} {key.external_id!r} in {key.attribute}"


def _explain_error(error: TaskError) -> str:
    stage = f" in {error.stage.name}" if error.stage else ""
    fields = f" (fields: {', '.join(error.field_paths)})" if error.field_paths else ""
    return f"{error.reason}{stage}: {error.message}{fields}"
