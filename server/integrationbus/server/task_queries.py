"""Which tasks are meant, and parts of lists of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from integrationbus.server.task import (
    ProcessType,
    Task,
    TaskDataType,
    TaskState,
    TaskType,
)

__all__ = ["ActionPage", "TaskPage", "TaskQuery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskQuery:
    """Which tasks. Empty fields match everything; connectors are ids, all other texts are compared byte for byte."""

    connector_ids: Sequence[int] = ()
    states: Sequence[TaskState] = ()
    task_types: Sequence[TaskType] = ()
    data_types: Sequence[TaskDataType] = ()
    process_types: Sequence[ProcessType] = ()
    task_ids: Sequence[str] = ()
    external_ids: Sequence[str] = ()
    object_type: str = ""
    site: str = ""
    creator: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    waiting_for_type: str = ""
    waiting_for_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Part of a list of tasks, and the (connector id, sequence) after which the next part starts, or None."""

    tasks: Sequence[Task]
    next_after: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPage:
    """What was done with the next part of a selection.

    ``affected`` are the ids of the tasks that were acted upon, ``refused`` those of the ones that could not be, with
    the state that forbids it. ``next_after`` is None when nothing is left. ``released`` says that a halt was cleared,
    ``called`` that tasks that waited behind the affected ones are called back.
    """

    affected: Sequence[str]
    refused: Mapping[str, TaskState]
    next_after: tuple[int, int] | None
    released: bool = False
    called: bool = False
