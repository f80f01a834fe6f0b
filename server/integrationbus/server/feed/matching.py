"""Which changes a watcher wants to see."""

from collections.abc import Hashable, Iterator, Sequence

from integrationbus.server.task_queries import TaskEvent, TaskQuery

__all__ = ["keys_of_event", "keys_of_query", "matches"]

_Key = tuple[Hashable, ...]

_EVERYTHING: _Key = ()


def matches(event: TaskEvent, query: TaskQuery) -> bool:
    """Whether a change is what the query asks for; the same answer that the database gives for the task."""
    chosen = (
        (query.connector_ids, event.connector_id),
        (query.states, event.state),
        (query.task_types, event.task_type),
        (query.data_types, event.data_type),
        (query.process_types, event.process_type),
        (query.task_ids, event.task_id),
        (query.external_ids, event.external_id),
    )
    exact = ((query.object_type, event.object_type), (query.site, event.site), (query.creator, event.creator))
    return (
        all(not wanted or value in wanted for wanted, value in chosen)
        and all(not wanted or value == wanted for wanted, value in exact)
        and all(event.labels.get(name) == value for name, value in query.labels.items())
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
    yield _EVERYTHING
    yield "connector", event.connector_id
    yield "task", event.task_id
    yield "external id", event.external_id
    yield "creator", event.creator
    yield "site", event.site
    yield "object type", event.object_type
    for label in event.labels.items():
        yield "label", *label
