"""What becomes of the tasks, counted from the stream of their changes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from integrationbus.client import TaskChange, TaskEffect, TaskState

__all__ = ["Span", "Tally"]


@dataclass(slots=True)
class Span:
    """How many things happened, and between which moments."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, moment: datetime) -> None:
        """Count one more."""
        self.count += 1
        self.first = self.first or moment
        self.last = moment

    @property
    def per_second(self) -> float | None:
        """The rate, or None when it all happened at one moment."""
        seconds = (self.last - self.first).total_seconds() if self.first and self.last else 0.0
        return self.count / seconds if seconds else None


@dataclass(slots=True)
class Tally:
    """Counts the changes of ``expected`` tasks. Feed it each change once, in the order of the stream."""

    expected: int
    logged: Span = field(default_factory=Span)
    processed: Span = field(default_factory=Span)
    effects: Counter[TaskEffect] = field(default_factory=Counter)
    waited: int = 0
    """How often a task began to wait for its parent."""
    failures: list[str] = field(default_factory=list)
    _states: dict[str, TaskState] = field(default_factory=dict)
    """Where each task stands, by id."""
    _settled: int = 0

    def add(self, change: TaskChange) -> None:
        """Count one change."""
        before = self._states.get(change.task_id)
        self._states[change.task_id] = change.state
        self._settled += _is_settled(change.state) - _is_settled(before)
        if change.previous_state is None:
            self.logged.add(change.occurred_at)
        if change.state is TaskState.SUCCEEDED:
            self.processed.add(change.occurred_at)
            if change.result is not None:
                self.effects[change.result.effect] += 1
        elif change.state is TaskState.WAITING:
            self.waited += 1
        elif _is_settled(change.state):
            why = change.error.message if change.error else f"the task is {change.state.name}"
            self.failures.append(f"{change.title}: {why}")

    @property
    def is_complete(self) -> bool:
        """Whether every expected task is logged and settled."""
        return self._settled >= self.expected

    def problems(self) -> list[str]:
        """Say what is wrong with a complete tally; nothing when each task was logged once and succeeded once."""
        found = list(self.failures)
        for name, span in (("logged", self.logged), ("processed", self.processed)):
            if span.count != self.expected:
                found.append(f"{self.expected:,} tasks should have been {name} once each, but {span.count:,} were")
        if len(self._states) != self.expected:
            found.append(f"there should be {self.expected:,} tasks, but there are {len(self._states):,}")
        return found


def _is_settled(state: TaskState | None) -> bool:
    return state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.DELETED)
