"""What a task would do: the values that travel between the layers."""

from collections.abc import Mapping
from dataclasses import dataclass

from integrationbus.server.task import TaskError, TaskResult

__all__ = ["KeyFinding", "Preview", "Rehearsal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFinding:
    """A foreign key, and the internal id behind it; None when there is none."""

    attribute: str
    object_type: str
    external_id: str
    internal_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the target did with a task before all of it was undone.

    ``before`` and ``after`` are the columns of the object by attribute name, None where there was no object.
    """

    result: TaskResult | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a task would do now, or why it would fail or wait.

    ``values`` are the columns that it would write. ``before`` and ``after`` are as in ``Rehearsal``; ``object_type`` is
    empty when the task did not come as far as an object.
    """

    result: TaskResult | None = None
    problem: TaskError | None = None
    object_type: str = ""
    values: Mapping[str, object] | None = None
    keys: tuple[KeyFinding, ...] = ()
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
