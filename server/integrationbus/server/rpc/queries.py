"""Filters and tokens of requests, as the server understands them."""

from collections.abc import Mapping

from integrationbus.server.errors import FieldProblem, ResumeTokenInvalid
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.rpc.checks import choices
from integrationbus.server.store import TaskQuery
from integrationbus.server.task import ProcessType, TaskState, TaskType
from integrationbus.v1 import task_pb2

__all__ = ["read_filter", "read_resume_token", "write_resume_token"]


def read_filter(message: task_pb2.TaskFilter, registry: ConnectorRegistry) -> TaskQuery:
    """The query of a filter. Raises ConnectorNotFound or InvalidField."""
    return TaskQuery(
        connector_ids=[registry.get(name).id for name in message.connectors],
        states=choices("filter.states", message.states, TaskState),
        task_types=choices("filter.task_types", message.task_types, TaskType),
        process_types=choices("filter.process_types", message.process_types, ProcessType),
        task_ids=list(message.task_ids),
        external_ids=list(message.external_ids),
        object_type=message.object_type,
        site=message.site,
        creator=message.creator,
        labels=dict(message.labels),
    )


def read_resume_token(token: task_pb2.ResumeToken, registry: ConnectorRegistry, store_id: str) -> dict[str, int]:
    """The positions of a token by connector. Raises ResumeTokenInvalid."""
    if token.store_id != store_id:
        raise ResumeTokenInvalid(FieldProblem("resume_token.store_id", "is not that of this store"))
    known = {item.name for item in registry.connectors}
    for name in token.positions:
        if name not in known:
            raise ResumeTokenInvalid(FieldProblem(f"resume_token.positions[{name}]", "there is no such connector"))
    return dict(token.positions)


def write_resume_token(positions: Mapping[str, int], store_id: str) -> task_pb2.ResumeToken:
    """A token of these positions; an empty one when nothing moved."""
    return task_pb2.ResumeToken(store_id=store_id, positions=positions) if positions else task_pb2.ResumeToken()
