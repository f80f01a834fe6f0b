"""The queue, driven at random, does what a pure model of it says."""

import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from support import bench
from support.bench import Workbench, new_task
from support.books import problems_of_the_books
from support.clocks import ManualClock
from support.line_model import LineModel, ModelTask
from support.model_check import differences, ends_of_records
from support.people import PeopleConnector
from support.queue_model import QueueModel, known_by_name
from support.queue_steps import NAME, NAMES, NEW_TASKS, PEOPLE, STEP, NewTask
from support.turn_taking import TurnTakingWorker

from integrationbus.connectors import ObjectParams
from integrationbus.server.connector import HeadAction
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.processing import batch_size
from integrationbus.server.purger import Purger
from integrationbus.server.retention import Retention
from integrationbus.server.run import RunState
from integrationbus.server.switches import Switch
from integrationbus.server.task import MissingKeyAction, TaskActionKind, TaskType

CLASSES = ["support.hesitant:EagerConnector", "support.hesitant:LazyConnector"]
FINAL = ("SUCCEEDED", "DELETED")
DAY = timedelta(days=1)
KEPT = Retention(succeeded=DAY, failed=DAY, deleted=DAY, events=DAY / 2, runs=DAY / 2)
EXAMPLES = 4
"""Few, for the sake of time: run some hundred by hand when the queue or the model is changed."""

_MISBEHAVIOUR: dict[str, dict[str, object]] = {"raise": {"do": "raise"}, "flaky": {"do": "retry"}}


class Queue(RuleBasedStateMachine):
    """A real bus beside the model. Tasks are claimed one by one, so that the model need not know of batches."""

    @initialize(name=NAME, wanted=NEW_TASKS)
    def begin(self, name: str, wanted: list[NewTask]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.model = QueueModel({name: LineModel(name, on_log=name == "eager") for name in NAMES})
        self.ids: dict[str, list[str]] = {name: [] for name in NAMES}
        self._tasks = 0
        self._agrees = True
        self._open()
        self._break_down(name, 2)
        self._log(name, wanted)

    def _open(self) -> None:
        self.bus = Workbench(f"sqlite:///{Path(self._folder.name) / 'bus.db'}", self.clock, CLASSES)
        for name in NAMES:
            for number in filter(known_by_name, range(PEOPLE)):
                key = (str(number), "test.person")
                self._connector(name).params[key] = ObjectParams(code_name=f"p{number}")

    def teardown(self) -> None:
        if not hasattr(self, "bus"):
            return
        try:
            if self._agrees:
                self._purge(1440)
        finally:
            self.bus.__exit__(None, None, None)
            self._folder.cleanup()

    @rule(step=STEP)
    def step(self, step: tuple[str, tuple[object, ...]]) -> None:
        """Do one thing, to the bus and to the model."""
        self._agrees = False
        getattr(self, f"_{step[0]}")(*step[1])
        self._agrees = True

    def _connector(self, name: str) -> PeopleConnector:
        return cast(PeopleConnector, self.bus.registry.get(name).connector)

    def _expect(self, change: Callable[[QueueModel], object]) -> None:
        """Change the model, and wait until the bus stands where it says."""
        change(self.model)
        self.bus.wait_until(lambda: differences(self.bus, self.model, self.ids), lambda found: not found)
        self._wait_for_rest()

    def _expect_in_any_order(self, change: Callable[[QueueModel, Sequence[LineModel]], object]) -> None:
        """As ``_expect``, where two connectors begin at once and nobody says which is the first."""
        possible = [deepcopy(self.model) for _ in range(2)]
        for model, names in zip(possible, (NAMES, NAMES[::-1]), strict=True):
            change(model, [model.lines[name] for name in names])
        all_found = self.bus.wait_until(
            lambda: [differences(self.bus, model, self.ids) for model in possible],
            lambda all_found: not all(all_found),
        )
        self.model = next(model for model, found in zip(possible, all_found, strict=True) if not found)
        self._wait_for_rest()

    def _wait_for_rest(self) -> None:
        """Wait until no thread moves, and make sure that those that still did changed nothing."""
        for worker in self.bus.workers.values():
            cast(TurnTakingWorker, worker).wait_for_rest()
        assert differences(self.bus, self.model, self.ids) == []

    def _log(self, name: str, wanted: list[NewTask]) -> None:
        line, logged = self.model.lines[name], list[ModelTask]()
        for new in wanted:
            task = ModelTask(
                sequence=len(self.ids[name]) + 1,
                kind=new.kind,
                person=new.person,
                process_type=new.process_type.name,
                age=self._tasks,
                boss=None if new.kind == "delete" else new.boss,
                waits=new.waits,
                limit=new.limit if new.waits else None,
            )
            fields: dict[str, object] = {"name": f"p{new.person}", "age": task.age, **_MISBEHAVIOUR.get(new.kind, {})}
            if task.boss is not None:
                fields["boss_id"] = str(task.boss)
            real = new_task(
                fields,
                connector=name,
                task_type=TaskType.DELETE_OBJECT if new.kind == "delete" else TaskType.UPDATE_OBJECT,
                process_type=new.process_type,
                external_id=str(new.person),
                missing_key=MissingKeyAction.WAIT if new.waits else MissingKeyAction.FAIL,
                wait_limit=None if task.limit is None else timedelta(minutes=task.limit),
            )
            [receipt] = self.bus.store.append([LogEntry(tasks=[real])])
            assert isinstance(receipt, LogReceipt) is self.model.takes_tasks_of(line)
            if isinstance(receipt, LogReceipt):
                self._tasks += 1
                self.ids[name].append(real.id)
                logged.append(task)
        if logged:
            self.bus.dispatcher.tasks_logged([name])
            self._expect(lambda model: model.log(line, logged))

    def _notify(self, name: str, clear_halt: bool) -> None:
        [ticket] = self.bus.dispatcher.request_runs([name], clear_halt=clear_halt, actor="", reason="")
        started = self.model.notify(self.model.lines[name], clear_halt=clear_halt)
        assert (ticket.run is not None) is started, ticket
        self._expect(lambda model: model)

    def _break_down(self, name: str, failures: int) -> None:
        """From now on, flaky tasks fail so often."""
        self._connector(name).failures_left = self.model.lines[name].failures_left = failures

    def _act(self, name: str, number: int, action: TaskActionKind) -> None:
        line = self.model.lines[name]
        not_final = [task for task in line.tasks if task.state not in FINAL]
        if not not_final:
            return
        task = not_final[number % len(not_final)]
        self.bus.act(action, self.ids[name][task.sequence - 1])
        self._expect(lambda model: model.act(action.name, line, task))
        assert problems_of_the_books(self.bus.database) == []

    def _pause(self, name: str) -> None:
        self.bus.dispatcher.pause(name, actor="", reason="")
        line = self.model.lines[name]
        line.paused = True
        self._expect(lambda model: model.hold(line))

    def _disable(self, name: str) -> None:
        self.bus.dispatcher.set_enabled(name, enabled=False, actor="", reason="")
        line = self.model.lines[name]
        line.enabled = False
        self._expect(lambda model: model.hold(line))

    def _switch_off(self, switch: Switch) -> None:
        self.bus.dispatcher.set_switch(switch, on=False, actor="", reason="")
        self.model.switched_off.add(switch.name)
        self._expect(lambda model: model.hold(*model.lines.values()))

    def _put_on(self) -> None:
        """Switch everything on again, one after the other."""
        for switch in Switch:
            if switch.name in self.model.switched_off:
                self.bus.dispatcher.set_switch(switch, on=True, actor="", reason="")
                self.model.switched_off.discard(switch.name)
                self._expect_in_any_order(QueueModel.go_on)
        for name in NAMES:
            line = self.model.lines[name]
            if not line.enabled:
                self.bus.dispatcher.set_enabled(name, enabled=True, actor="", reason="")
                line.enabled = True
                self._expect(partial(QueueModel.go_on, lines=[line]))

    def _resume(self, name: str, action: HeadAction) -> None:
        self.bus.dispatcher.resume(name, action, actor="", reason="")
        self._expect(lambda model: model.resume(action.name, model.lines[name]))

    def _advance(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        self.model.now += minutes
        for name in NAMES:
            self.bus.workers[name].poke()
            self._expect(partial(QueueModel.wake, line=self.model.lines[name]))

    def _purge(self, minutes: int) -> None:
        """Let time pass, and remove what has been over for long enough."""
        self._advance(minutes)
        ends = ends_of_records(self.bus, NAMES)
        Purger(self.bus.store, KEPT).sweep()
        self._expect(lambda model: model.purge(DAY // timedelta(minutes=1)))
        now = self.clock.now()
        left = {record for record, end in ends.items() if end is None or now - end < DAY / 2}
        assert ends_of_records(self.bus, NAMES).keys() == left
        assert problems_of_the_books(self.bus.database) == []

    def _cancel(self, name: str) -> None:
        line = self.model.lines[name]
        if line.run is None:
            return
        [run] = self.bus.store.runs(self.bus.store.connector(name).id, before=None, limit=1)
        self.bus.dispatcher.cancel(run.id, actor="", reason="")
        self._expect(lambda model: model.cancel(line))
        assert self.bus.wait_for(run.id).state is RunState.CANCELLED

    def _restart(self, minutes: int) -> None:
        """Stop and start the bus. It has to know by itself what is due then."""
        assert problems_of_the_books(self.bus.database) == []
        self.bus.__exit__(None, None, None)
        self._open()
        self.bus.dispatcher.adopt(NAMES)
        self._expect_in_any_order(QueueModel.restart)
        self._advance(minutes)


def test_the_queue_does_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size, "_LARGEST", 1)
    monkeypatch.setattr(bench, "ConnectorWorker", TurnTakingWorker)
    steps = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        # Without shrinking: a failure shows all its steps at once instead of a shorter version minutes later.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Queue, settings=steps)
