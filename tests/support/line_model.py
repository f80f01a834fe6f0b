"""The line of one connector as a pure model: one task at a time, and what becomes of it.

Times are minutes. What tasks write, and what holds all connectors, is the business of ``QueueModel``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from support.hesitant import DELAY, MAX_ATTEMPTS, MAX_FAILURES

__all__ = ["LineModel", "ModelRun", "ModelTask", "Surroundings"]

FIRST_DELAY = int(DELAY.total_seconds()) // 60


@dataclass(eq=False)
class ModelTask:
    """A task, and where it stands."""

    sequence: int
    kind: str
    """What it does: "write", "delete", "raise" always fails, "flaky" fails for a while."""
    person: int
    process_type: str
    age: int
    boss: int | None = None
    waits: bool = False
    limit: int | None = None
    state: str = "PENDING"
    in_line: bool = True
    passed_over: bool = False
    turn: str = "IN_PLACE"
    attempts: int = 0
    retries: int = 0
    failures: int = 0
    waits_for: int | None = None
    behind: "ModelTask | None" = None
    due: int | None = None
    deadline: int | None = None
    settled: int | None = None
    """Since when the task is over, unless somebody asks for it again."""


@dataclass(eq=False)
class ModelRun:
    """A run in progress. ``again`` says that somebody asked for another pass, ``next_is_full`` for which."""

    called_only: bool
    place: int = 0
    again: bool = False
    next_is_full: bool = False


class Surroundings(Protocol):
    """What a line knows of the rest of the bus."""

    now: int

    @property
    def lets_run(self) -> bool:
        """Whether the switches let connectors run."""
        ...

    def finds(self, line: "LineModel", number: int) -> bool:
        """Whether a person is found by a key of this line."""
        ...

    def apply(self, line: "LineModel", task: ModelTask) -> None:
        """Do what a task that succeeds does."""
        ...

    def released(self, line: "LineModel") -> None:
        """The halt of the line was cleared by a task that was asked for."""
        ...


@dataclass(eq=False)
class LineModel:
    """The tasks of one connector, its run, and what holds it."""

    name: str
    on_log: bool
    tasks: list[ModelTask] = field(default_factory=list)
    paused: bool = False
    enabled: bool = True
    halted: ModelTask | None = None
    failures_left: int = 0
    run: ModelRun | None = None
    last_end: str = ""

    def waiting(self) -> list[ModelTask]:
        """The tasks that wait, in their order."""
        return [task for task in self.tasks if task.state == "WAITING"]

    def stopped(self, bus: Surroundings) -> bool:
        """Whether an operator holds the connector, or the whole bus."""
        return self.paused or not self.enabled or not bus.lets_run

    def overdue(self, bus: Surroundings) -> list[ModelTask]:
        """The tasks that have waited long enough."""
        return [task for task in self.waiting() if task.deadline is not None and task.deadline <= bus.now]

    def proceed(self, bus: Surroundings) -> None:
        """Go on with the run in progress until it ends, or waits for a retry."""
        while self.run is not None:
            end = self._pass(bus, self.run)
            if end == "WAITS":
                return
            self.last_end = end
            if self.run.again:
                self.run = ModelRun(
                    called_only=self.run.called_only and not self.run.next_is_full, place=self.run.place
                )
            else:
                self.run = None

    def _pass(self, bus: Surroundings, run: ModelRun) -> str:
        while True:
            if self.stopped(bus):
                return "STOPPED"
            if self.halted is None:
                self.call_back(self.overdue(bus))
            called = next(self._called(), None)
            if called is not None:
                if called.due is not None and called.due > bus.now:
                    return "WAITS"
                self._process(bus, called)
                continue
            if self.halted is not None:
                return "HALTED"
            task = next((task for task in self.tasks if task.in_line and task.sequence > run.place), None)
            if run.called_only or task is None:
                return "COMPLETED"
            is_due = task.due is None or task.due <= bus.now
            if task.state == "RETRY_WAIT" and not is_due:
                return "WAITS"
            run.place = task.sequence
            if task.state == "FAILED" and not is_due:
                continue
            if task.process_type == "SKIP_ONCE" and not task.passed_over:
                task.state, task.passed_over = "SKIPPED", True
            elif self._process(bus, task):
                run.place -= 1

    def _called(self) -> Iterator[ModelTask]:
        """What is processed before the line; in a halted connector only what an operator asked for."""
        turns = ("KEY_FOUND", "REQUESTED") if self.halted is None else ("REQUESTED",)
        return (task for task in self.tasks if task.turn in turns)

    def _process(self, bus: Surroundings, task: ModelTask) -> bool:
        """One attempt; returns whether the task is to be met again, or holds the line."""
        task.attempts, task.due = task.attempts + 1, None
        if task.kind == "raise":
            return self._fail(bus, task, retryable=False)
        if task.kind == "flaky" and self.failures_left:
            self.failures_left -= 1
            return self._fail(bus, task, retryable=True)
        same = (each for each in self.waiting() if each.person == task.person and each.sequence < task.sequence)
        earlier = next(same, None)
        if earlier is not None:
            task.deadline = None
            return self._wait(bus, task, behind=earlier)
        if task.boss is not None and not bus.finds(self, task.boss):
            expired = task.deadline is not None and task.deadline <= bus.now
            if not task.waits or task.boss == task.person or expired:
                return self._fail(bus, task, retryable=False)
            if task.deadline is None and task.limit is not None:
                task.deadline = bus.now + task.limit
            return self._wait(bus, task, waits_for=task.boss)
        self._settle(bus, task, "SUCCEEDED", in_line=False)
        bus.apply(self, task)
        return False

    def _wait(
        self, bus: Surroundings, task: ModelTask, *, waits_for: int | None = None, behind: ModelTask | None = None
    ) -> bool:
        self._settle(bus, task, "WAITING", in_line=False)
        task.waits_for, task.behind, task.retries = waits_for, behind, 0
        return False

    def call_back(self, tasks: list[ModelTask]) -> None:
        """Put waiting tasks back into the line; those who wait behind them come along."""
        for task in tasks:
            if task.state != "WAITING":
                continue
            followers = self.followers(task)
            task.state, task.in_line, task.turn = "PENDING", True, "KEY_FOUND"
            task.waits_for = task.behind = None
            self.call_back(followers)

    def followers(self, task: ModelTask) -> list[ModelTask]:
        """The tasks that wait right behind this one."""
        return [each for each in self.waiting() if each.behind is task]

    def _fail(self, bus: Surroundings, task: ModelTask, *, retryable: bool) -> bool:
        task.failures += 1
        if retryable and task.retries + 1 < MAX_ATTEMPTS:
            task.state, task.retries = "RETRY_WAIT", task.retries + 1
            task.due = bus.now + _delay_after(task.retries)
            return True
        task.retries = 0
        if task.process_type == "DELETE_ON_ERROR":
            self._settle(bus, task, "DELETED", in_line=False)
            return False
        if task.process_type == "SKIP_ON_ERROR":
            goes_on = task.failures < MAX_FAILURES
            self._settle(bus, task, "FAILED", in_line=goes_on)
            task.due = bus.now + _delay_after(task.failures) if goes_on else None
            return False
        task.state, task.turn = "FAILED", "IN_PLACE" if task.turn == "IN_PLACE" else "KEY_FOUND"
        if self.halted is None or self.halted.sequence > task.sequence:
            self.halted = task
        return True

    def _settle(self, bus: Surroundings, task: ModelTask, state: str, *, in_line: bool) -> None:
        releases = task.turn == "REQUESTED" and self.halted is task
        task.state, task.in_line, task.turn = state, in_line, "IN_PLACE"
        task.settled = None if in_line or state == "WAITING" else bus.now
        if releases:
            self.halted = None
            bus.released(self)


def _delay_after(failures: int) -> int:
    return FIRST_DELAY * min(2, failures)
