"""Which attempt at which task a connector is called for."""

from dataclasses import dataclass

__all__ = ["Attempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a task.

    ``task_id`` is the same in every attempt at a task, and no other task has it: as the idempotency key of a call to
    another system it lets that system tell a repetition. ``number`` counts the attempts at the task from 1. In a
    preview, which is no attempt at anything that is stored, nothing should be done elsewhere.
    """

    task_id: str = ""
    number: int = 0
    is_preview: bool = False
