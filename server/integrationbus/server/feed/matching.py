"""Which changes a watcher wants to see."""

from integrationbus.server.task_queries import TaskEvent, TaskQuery

__all__ = ["matches"]


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
