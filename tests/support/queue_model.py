"""The queue of one connector as a pure model: lists and dictionaries, one task at a time.

It says what ought to happen, without knowing how the server does it. Tasks are about persons by number; a person may
have a boss, who is needed. Delays are zero and waits have no limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["ModelPerson", "ModelTask", "QueueModel"]

MAX_ATTEMPTS, MAX_FAILURES = 3, 10


@dataclass
class ModelPerson:
    """A person as the target holds it."""

    age: int = 30
    boss: int | None = None


@dataclass
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
    state: str = "PENDING"
    in_line: bool = True
    passed_over: bool = False
    turn: str = ""
    """Empty, "KEY" or "REQUESTED"."""
    attempts: int = 0
    retries: int = 0
    failures: int = 0
    waits_for: int | None = None
    behind: "ModelTask | None" = None
    gone: bool = False


@dataclass
class QueueModel:
    """The line, the persons, and what holds the connector."""

    tasks: list[ModelTask] = field(default_factory=list)
    persons: dict[int, ModelPerson] = field(default_factory=dict)
    paused: bool = False
    halted: ModelTask | None = None
    failures_left: int = 0

    def log(self, **fields: object) -> ModelTask:
        """A new task at the end of the line."""
        task = ModelTask(sequence=len(self.tasks) + 1, **fields)  # type: ignore[arg-type] # its fields
        self.tasks.append(task)
        return task

    def run(self, *, called_only: bool = False) -> str:
        """One pass over the line; returns how it ends."""
        place = 0
        while True:
            if self.paused:
                return "STOPPED"
            called = next(self._called(), None)
            if called is not None:
                self._process(called)
                continue
            if self.halted is not None:
                return "HALTED"
            task = next((task for task in self.tasks if task.in_line and task.sequence > place), None)
            if called_only or task is None:
                return "COMPLETED"
            place = task.sequence
            if task.process_type == "SKIP_ONCE" and not task.passed_over:
                task.state, task.passed_over = "SKIPPED", True
            elif self._process(task):
                place -= 1

    def act(self, action: str, task: ModelTask) -> bool:
        """Retry, skip or delete a task; returns whether something is called out of turn."""
        followers = [each for each in self._waiting() if each.behind is task] if task.state == "WAITING" else []
        task.waits_for = task.behind = None
        if action == "RETRY":
            task.state, task.in_line, task.turn, task.retries = "PENDING", True, "REQUESTED", 0
        else:
            task.state, task.in_line, task.turn = ("SKIPPED" if action == "SKIP" else "DELETED"), False, ""
            if self.halted is task:
                self.halted = None
        self._call_back(followers)
        return action == "RETRY" or bool(followers)

    def resume(self, action: str) -> None:
        """Release the connector, and do with the task that halted it as told."""
        if self.halted is not None and action != "RETRY":
            self.halted.state, self.halted.in_line = ("SKIPPED" if action == "SKIP" else "DELETED"), False
            self.halted.turn = ""
        self.halted, self.paused = None, False

    def purge(self) -> None:
        """Everything that is over goes."""
        for task in self.tasks:
            task.gone = task.gone or not (task.in_line or task.state == "WAITING")

    def _called(self) -> Iterator[ModelTask]:
        """What is processed before the line; in a halted connector only what an operator asked for."""
        turns = ("KEY", "REQUESTED") if self.halted is None else ("REQUESTED",)
        return (task for task in self.tasks if task.turn in turns)

    def _waiting(self) -> list[ModelTask]:
        return [task for task in self.tasks if task.state == "WAITING"]

    def _process(self, task: ModelTask) -> bool:
        """One attempt; returns whether the task is to be met again, or holds the line."""
        task.attempts += 1
        if task.kind == "raise":
            return self._fail(task, retryable=False)
        if task.kind == "flaky" and self.failures_left:
            self.failures_left -= 1
            return self._fail(task, retryable=True)
        own = (each for each in self._waiting() if each.person == task.person and each.sequence < task.sequence)
        earlier = next(own, None)
        if earlier is not None:
            return self._wait(task, behind=earlier)
        if task.kind != "delete" and task.boss is not None and task.boss not in self.persons:
            if task.waits and task.boss != task.person:
                return self._wait(task, waits_for=task.boss)
            return self._fail(task, retryable=False)
        self._apply(task)
        return False

    def _apply(self, task: ModelTask) -> None:
        self._settle(task, "SUCCEEDED", in_line=False)
        if task.kind == "delete":
            self._remove(task.person)
            return
        person = self.persons.setdefault(task.person, ModelPerson())
        person.age = task.age
        if task.boss is not None:
            person.boss = task.boss
        self._call_back([each for each in self._waiting() if each.waits_for == task.person])

    def _remove(self, number: int) -> None:
        """Those who need a person go with it."""
        if self.persons.pop(number, None) is not None:
            for other in [each for each, person in self.persons.items() if person.boss == number]:
                self._remove(other)

    def _wait(self, task: ModelTask, *, waits_for: int | None = None, behind: ModelTask | None = None) -> bool:
        self._settle(task, "WAITING", in_line=False)
        task.waits_for, task.behind, task.retries = waits_for, behind, 0
        return False

    def _call_back(self, tasks: list[ModelTask]) -> None:
        """Those who wait behind a task that is called come along."""
        for task in tasks:
            if task.state != "WAITING":
                continue
            followers = [each for each in self._waiting() if each.behind is task]
            task.state, task.in_line, task.turn = "PENDING", True, "KEY"
            task.waits_for = task.behind = None
            self._call_back(followers)

    def _fail(self, task: ModelTask, *, retryable: bool) -> bool:
        task.failures += 1
        if retryable and task.retries + 1 < MAX_ATTEMPTS:
            task.state, task.retries = "RETRY_WAIT", task.retries + 1
            return True
        task.retries = 0
        if task.process_type == "DELETE_ON_ERROR":
            self._settle(task, "DELETED", in_line=False)
            return False
        if task.process_type == "SKIP_ON_ERROR":
            self._settle(task, "FAILED", in_line=task.failures < MAX_FAILURES)
            return False
        self._settle(task, "FAILED", in_line=True)
        if self.halted is None or self.halted.sequence > task.sequence:
            self.halted = task
        return True

    def _settle(self, task: ModelTask, state: str, *, in_line: bool) -> None:
        halts = state == "FAILED" and task.process_type in ("DEFAULT", "SKIP_ONCE")
        if task.turn == "REQUESTED" and self.halted is task and not halts:
            self.halted = None
        task.state, task.in_line, task.turn = state, in_line, "KEY" if halts and task.turn else ""
