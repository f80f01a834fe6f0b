"""What tasks did to objects, read off the changes of the tasks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from integrationbus.server.task import TaskEffect
from integrationbus.server.task_events import TaskEvent

__all__ = ["ObjectChange", "object_changes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One object that a task changed, and the event of the task.

    ``external_id`` is empty for an object that was written or deleted along.
    """

    object_type: str
    object_id: int
    effect: TaskEffect
    external_id: str
    event: TaskEvent

    @property
    def may_be_there(self) -> bool:
        """Whether the object may exist after the change; the id of a deleted page may be that of its node."""
        return self.effect is not TaskEffect.DELETED


def object_changes(event: TaskEvent, object_types: Collection[str]) -> Sequence[ObjectChange]:
    """The changes of objects of some types, or of all if none is named: the target first, then what went along."""
    result = event.result
    if result is None:
        return []
    found: list[tuple[str, int, TaskEffect, str]] = []
    if result.effect is not TaskEffect.NOTHING_TO_DELETE:
        found.append((result.object_type, result.object_id, result.effect, event.task.external_id))
    found += [(item.object_type, item.object_id, item.effect, "") for item in result.touched]
    return [
        ObjectChange(object_type=name, object_id=number, effect=effect, external_id=external_id, event=event)
        for name, number, effect, external_id in found
        if not object_types or name in object_types
    ]
