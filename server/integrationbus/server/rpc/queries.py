"""Filters, views and tokens of requests, as the server understands them."""

from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum

from integrationbus.server.errors import FieldProblem, ResumeTokenInvalid
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text, choice, choices, invalid
from integrationbus.server.task import ProcessType, TaskDataType, TaskState, TaskType
from integrationbus.server.task_queries import TaskQuery
from integrationbus.v1 import task_pb2

__all__ = ["connector_ids", "names_in", "read_filter", "read_resume_token", "wants_payload", "write_resume_token"]

# Databases refuse statements with too many values, and every change is compared with each of them.
_MAX_VALUES = 1_000
_MAX_LABELS = 32  # no task has more


class _View(IntEnum):
    """How much of a task is returned."""

    BASIC = 1
    FULL = 2


def wants_payload(view: int) -> bool:
    """Whether a view holds the payload. Raises InvalidField for an unknown one."""
    return choice("view", view, _View, _View.BASIC) is _View.FULL


def read_filter(message: task_pb2.TaskFilter, registry: ConnectorRegistry) -> TaskQuery:
    """The query of a filter. Raises ConnectorNotFound or InvalidField.

    Of tuples, of which the empty one takes no memory: each of very many watches has a query.
    """
    for name in ("states", "task_types", "data_types", "process_types", "task_ids", "external_ids"):
        _check_number(f"filter.{name}", getattr(message, name), _MAX_VALUES)
    return TaskQuery(
        connector_ids=connector_ids("filter.connectors", message.connectors, registry),
        states=_states("filter.states", message.states),
        task_types=choices("filter.task_types", message.task_types, TaskType),
        data_types=choices("filter.data_types", message.data_types, TaskDataType, TaskDataType.SIMPLE_SNAPSHOT),
        process_types=choices("filter.process_types", message.process_types, ProcessType, ProcessType.DEFAULT),
        task_ids=_texts("filter.task_ids", message.task_ids),
        external_ids=_texts("filter.external_ids", message.external_ids),
        object_type=check_text("filter.object_type", message.object_type, MAX_NAME_BYTES),
        site=check_text("filter.site", message.site, MAX_NAME_BYTES),
        creator=check_text("filter.creator", message.creator, MAX_NAME_BYTES),
        labels=_labels("filter.labels", message.labels),
        waiting_for_type=check_text("filter.waiting_for_object_type", message.waiting_for_object_type, MAX_NAME_BYTES),
        waiting_for_id=check_text("filter.waiting_for_external_id", message.waiting_for_external_id, MAX_NAME_BYTES),
    )


def connector_ids(path: str, names: Collection[str], registry: ConnectorRegistry) -> tuple[int, ...]:
    """The ids of the named connectors. Raises ConnectorNotFound or InvalidField."""
    return tuple(registry.get(name).id for name in names_in(path, names))


def names_in(path: str, names: Collection[str]) -> tuple[str, ...]:
    """Names of a filter, not checked for whether anything is called so. Raises InvalidField."""
    _check_number(path, names, _MAX_VALUES)
    return _texts(path, names)


def read_resume_token(token: task_pb2.ResumeToken, connectors: Collection[str], store_id: str) -> dict[str, int]:
    """The positions of a token by connector. Raises ResumeTokenInvalid.

    ``connectors`` are those of the store: others may log there for connectors that this server was not started with.
    """
    if token.store_id != store_id:
        raise ResumeTokenInvalid(FieldProblem("resume_token.store_id", "is not that of this store"))
    for name in token.positions:
        if name not in connectors:
            raise ResumeTokenInvalid(FieldProblem(f"resume_token.positions[{name}]", "there is no such connector"))
    return dict(token.positions)


def write_resume_token(positions: Mapping[str, int], store_id: str) -> task_pb2.ResumeToken:
    """A token of these positions; an empty one when nothing moved."""
    return task_pb2.ResumeToken(store_id=store_id, positions=positions) if positions else task_pb2.ResumeToken()


def _check_number(path: str, values: Collection[object], allowed: int) -> None:
    if len(values) > allowed:
        raise invalid(path, f"has {len(values)} values, {allowed} are allowed")


def _texts(path: str, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(check_text(f"{path}[{index}]", text, MAX_NAME_BYTES) for index, text in enumerate(texts))


def _states(path: str, numbers: Collection[int]) -> tuple[TaskState, ...]:
    """The states of a filter; UNSPECIFIED among them means any."""
    named = tuple(choice(f"{path}[{index}]", number, TaskState) for index, number in enumerate(numbers) if number)
    return named if len(named) == len(numbers) else ()


def _labels(path: str, labels: Mapping[str, str]) -> dict[str, str]:
    _check_number(path, labels, _MAX_LABELS)
    for name, value in labels.items():
        check_text(path, name, MAX_NAME_BYTES)
        check_text(f"{path}[{name}]", value, MAX_NAME_BYTES)
    return dict(labels)
