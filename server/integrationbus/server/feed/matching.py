"""Which changes a watcher wants to see."""

from collections.abc import Hashable, Iterator, Sequence

from integrationbus.server.task_events import TaskEvent
from integrationbus.server.task_queries import TaskQuery

__all__ = ["keys_of_event", "keys_of_query", "matches"]

_Key = tuple[Hashable, ...]

_EVERYTHING: _Key = ()


def matches(event: TaskEvent, query: TaskQuery) -> bool:
    """Whether a change is what the query asks for; the same answer that the database gives for the task."""
    task = event.task
    chosen = (
        (query.connector_ids, event.connector_id),
        (query.states, event.state),
        (query.task_types, task.task_type),
        (query.data_types, task.data_type),
        (query.process_types, task.process_type),
        (query.task_ids, task.id),
        (query.external_ids, task.external_id),
    )
    exact = (
        (query.object_type, task.object_type),
        (query.site, task.site),
        (query.creator, task.creator),
    )
    return (
        all(not wanted or value in wanted for wanted, value in chosen)
        and all(not wanted or value == wanted for wanted, value in exact)
        and all(task.labels.get(name) == value for name, value in query.labels.items())
    )


def keys_of_query(query: TaskQuery) -> Sequence[_Key]:
    """What to find a query by: a change that matches has exactly one of these among its keys.

    They are of what tells most: few changes have the same.
    """
    if query.task_ids:
        return [("task", each) for each in query.task_ids]
    if query.external_ids:
        return [("external id", each) for each in query.external_ids]
    if query.labels:
        return [("label", *min(query.labels.items()))]
    for name, text in (("creator", query.creator), ("site", query.site), ("object type", query.object_type)):
        if text:
            return [(name, text)]
    return [("connector", each) for each in query.connector_ids] or [_EVERYTHING]


def keys_of_event(event: TaskEvent) -> Iterator[_Key]:
    """Everything that a query which matches may be found by."""
    task = event.task
    yield _EVERYTHING
    yield "connector", event.connector_id
    yield "task", task.id
    yield "external id", task.external_id
    yield "creator", task.creator
    yield "site", task.site
    yield "object type", task.object_type
    for label in task.labels.items():
        yield "label", *label
