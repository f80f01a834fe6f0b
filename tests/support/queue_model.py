"""The whole queue as a pure model: its lines, the persons that tasks write, its switches, and its clock.

It says what ought to happen, without knowing how the server does it. Tasks are about persons by number; a person may
have a boss, who is needed. A connector knows the even ones by their names, wherever they come from, and the odd ones
only as it made them itself.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from support.line_model import LineModel, ModelRun, ModelTask

__all__ = ["ModelPerson", "QueueModel", "known_by_name"]


def known_by_name(number: int) -> bool:
    """Whether connectors look for a person by its name."""
    return number % 2 == 0


@dataclass(eq=False)
class ModelPerson:
    """A person as the target holds it, and the connectors that have its number on record."""

    age: int = 30
    boss: int | None = None
    known_to: set[str] = field(default_factory=set)


@dataclass(eq=False)
class QueueModel:
    """Every connector, and what they have in common. ``now`` is in minutes."""

    lines: dict[str, LineModel]
    persons: dict[int, ModelPerson] = field(default_factory=dict)
    switched_off: set[str] = field(default_factory=set)
    now: int = 0
    _wanted: deque[LineModel] = field(default_factory=deque)

    @property
    def lets_run(self) -> bool:
        """See ``Surroundings.lets_run``."""
        return not self.switched_off & {"BUS", "PROCESSING"}

    # What callers and operators do

    def takes_tasks_of(self, line: LineModel) -> bool:
        """Whether tasks of a connector can be logged."""
        return line.enabled and not self.switched_off & {"BUS", "LOGGING"}

    def log(self, line: LineModel, tasks: Iterable[ModelTask]) -> None:
        """New tasks at the end of a line, which start it if that is its way."""
        line.tasks += tasks
        if line.on_log and not line.stopped(self) and line.halted is None:
            self._trigger(line, called_only=False)
        self._work()

    def notify(self, line: LineModel, *, clear_halt: bool) -> bool:
        """Ask for a run; returns whether there is one."""
        if not line.enabled or not self.lets_run or (line.halted is not None and not clear_halt):
            return False
        self._release(line)
        if line.paused:
            return False
        self._trigger(line, called_only=False)
        self._work()
        return True

    def act(self, action: str, line: LineModel, task: ModelTask) -> None:
        """Retry, skip or delete a task."""
        followers = line.followers(task) if task.state == "WAITING" else []
        task.waits_for = task.behind = task.due = None
        if action == "RETRY":
            task.state, task.in_line, task.turn, task.retries = "PENDING", True, "REQUESTED", 0
            task.deadline = task.settled = None
        else:
            self._take_out(action, task)
        line.call_back(followers)
        if action == "RETRY" or followers:
            self._trigger(line, called_only=True)
        if action != "RETRY" and line.halted is task:
            line.halted = None
            self._trigger(line, called_only=not line.on_log)
        self._poke(line)
        self._work()

    def resume(self, action: str, line: LineModel) -> None:
        """Release a connector, and do with the task that halted it as told."""
        if line.halted is not None and action != "RETRY":
            self._take_out(action, line.halted)
            line.halted = None
        self._release(line)
        line.paused = False
        self._trigger(line, called_only=False)
        self._work()

    def hold(self, *lines: LineModel) -> None:
        """Something holds connectors from now on: the caller has said what. Their runs end."""
        for line in lines:
            self._poke(line)
        self._work()

    def go_on(self, lines: Iterable[LineModel]) -> None:
        """Something that held connectors is gone: the caller has said what. In this order they go on."""
        for line in lines:
            self._trigger(line, called_only=not line.on_log)
        self._work()

    def cancel(self, line: LineModel) -> None:
        """End the run in progress."""
        line.run, line.last_end = None, "CANCELLED"

    def restart(self, lines: Iterable[LineModel]) -> None:
        """Stop the bus, and start it again, with these lines in this order."""
        for line in self.lines.values():
            line.run, line.failures_left = None, 0
        for line in lines:
            if line.on_log and any(task.state in ("PENDING", "RETRY_WAIT") for task in line.tasks):
                self._trigger(line, called_only=False)
            elif line.waiting() or any(task.turn != "IN_PLACE" for task in line.tasks):
                self._trigger(line, called_only=True)
        self._work()

    def wake(self, line: LineModel) -> None:
        """Let a connector see what time it is."""
        if line.run is None and line.halted is None and line.overdue(self):
            line.run = ModelRun(called_only=True)
        self._poke(line)
        self._work()

    def purge(self, kept: int) -> None:
        """Remove the tasks that have been over for so many minutes."""
        for line in self.lines.values():
            line.tasks = [task for task in line.tasks if task.settled is None or task.settled > self.now - kept]

    # What follows

    def finds(self, line: LineModel, number: int) -> bool:
        """See ``Surroundings.finds``."""
        person = self.persons.get(number)
        return person is not None and (known_by_name(number) or line.name in person.known_to)

    def apply(self, line: LineModel, task: ModelTask) -> None:
        """See ``Surroundings.apply``."""
        if task.kind == "delete":
            self._remove(task.person)
            return
        person = self.persons.setdefault(task.person, ModelPerson())
        person.age = task.age
        person.known_to.add(line.name)
        if task.boss is not None:
            person.boss = task.boss
        for other in self.lines.values():
            called = [each for each in other.waiting() if each.waits_for == task.person]
            if called and (other is line or known_by_name(task.person)):
                other.call_back(called)
                if other is not line:
                    self._trigger(other, called_only=True)

    def released(self, line: LineModel) -> None:
        """See ``Surroundings.released``."""
        self._trigger(line, called_only=not line.on_log)

    def _remove(self, number: int) -> None:
        """Those who need a person go with it."""
        if self.persons.pop(number, None) is not None:
            for other in [each for each, person in self.persons.items() if person.boss == number]:
                self._remove(other)

    def _release(self, line: LineModel) -> None:
        """Clear a halt; the task that caused it may wait anew."""
        if line.halted is not None:
            line.halted.deadline = None
            line.halted = None

    def _take_out(self, action: str, task: ModelTask) -> None:
        task.state, task.in_line, task.turn = ("SKIPPED" if action == "SKIP" else "DELETED"), False, "IN_PLACE"
        task.due, task.settled = None, self.now

    def _trigger(self, line: LineModel, *, called_only: bool) -> None:
        if line.run is None:
            line.run = ModelRun(called_only=called_only)
        else:
            line.run.again = True
            line.run.next_is_full |= not called_only
        self._poke(line)

    def _poke(self, line: LineModel) -> None:
        if line not in self._wanted:
            self._wanted.append(line)

    def _work(self) -> None:
        """Let the connectors work in the order in which they were asked, one after the other."""
        while self._wanted:
            line = self._wanted.popleft()
            line.proceed(self)
