"""What an operator wants done with tasks, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrationbus.server.errors import BusError
from integrationbus.server.task import TaskActionKind
from integrationbus.server.task_queries import TaskQuery

__all__ = ["ActionReport", "WantedAction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAction:
    """What is to be done with which tasks. ``rehearse``: count, and change nothing."""

    kind: TaskActionKind
    selection: TaskQuery
    etag: str
    actor: str
    reason: str
    rehearse: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReport:
    """How many tasks were acted upon, why named ones were not, and where their feeds stood before."""

    affected: int
    not_affected: Mapping[str, BusError]
    positions: Mapping[str, int]
