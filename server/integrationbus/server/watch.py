"""What a watch delivers. ``positions`` is how far the watch has come, by connector name, for those that moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrationbus.server.task import Task
from integrationbus.server.task_events import TaskEvent

__all__ = ["ChangeBatch", "CheckpointMark", "SnapshotPart", "WatchItem", "WatchStart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStart:
    """Where a watch starts: behind ``positions``, with a snapshot, or, with neither, at the next change.

    Connectors that ``positions`` does not name start at their beginning.
    """

    positions: Mapping[str, int] | None = None
    snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPart:
    """Tasks as they are. ``positions`` is empty until the last part."""

    tasks: Sequence[Task]
    complete: bool
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBatch:
    """Changes, for each connector in the order of their positions."""

    events: Sequence[TaskEvent]
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointMark:
    """Every matching change up to ``positions`` has been delivered."""

    positions: Mapping[str, int]


WatchItem = SnapshotPart | ChangeBatch | CheckpointMark
