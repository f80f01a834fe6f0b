"""Cutting a batch into groups that can be written at once, without changing its order."""

from collections.abc import Iterator, Sequence

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.prepared import KeyReference, PreparedTask
from integrationbus.server.task import TaskType

__all__ = ["cut_into_groups"]


def cut_into_groups(batch: Sequence[PreparedTask]) -> Iterator[list[PreparedTask]]:
    """Neighbours of one class and one kind of operation, of which none is the same object as another or points at one.

    Pages and snapshots come one by one: a page may be the parent of the next, and a snapshot is many objects.
    """
    group: list[PreparedTask] = []
    seen: set[object] = set()
    for item in batch:
        names = _names(item)
        if group and (not _alike(group[0], item) or names & seen or _points_into(item, seen)):
            yield group
            group, seen = [], set()
        group.append(item)
        seen |= names
    if group:
        yield group


def _alike(first: PreparedTask, item: PreparedTask) -> bool:
    if item.object_class.is_page or item.is_snapshot or first.is_snapshot:
        return False
    return (
        first.object_class is item.object_class
        and _operation(first.task.task_type) is _operation(item.task.task_type)
        and first.task.site == item.task.site
    )


def _operation(task_type: TaskType) -> TaskType:
    """Creating and updating are one operation: the target decides which of them it is."""
    return TaskType.CREATE_OBJECT if task_type is TaskType.UPDATE_OBJECT else task_type


def _names(item: PreparedTask) -> set[object]:
    """Everything that the object of a task can be recognised by within its class."""
    info = item.object_class.info
    names: set[object] = set()
    if item.task.external_id:
        names.add(("external", item.task.external_id))
    for attribute in (info.guid, info.code_name):
        if attribute and item.main.values.get(attribute) is not None:
            names.add((attribute, str(item.main.values[attribute])))
    # What can only be found by its foreign keys could be the same as any other of its kind.
    return names or {"nameless"}


def _points_into(item: PreparedTask, seen: set[object]) -> bool:
    own = [reference for key, reference in item.main.keys if reference.target is item.object_class]
    return any(name in seen for reference in own for name in _names_of_target(reference))


def _names_of_target(reference: KeyReference) -> Iterator[object]:
    yield ("external", reference.external_id)
    if reference.target and isinstance(reference.params, ObjectParams):
        yield (reference.target.info.code_name, reference.params.code_name)
