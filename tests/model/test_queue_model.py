"""The queue, driven at random, does what a pure model of it says."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from support.bench import Workbench, new_task
from support.books import problems_of_the_books
from support.clocks import ManualClock
from support.queue_model import QueueModel

from integrationbus.server.connector import HeadAction
from integrationbus.server.processing import batch_size
from integrationbus.server.purger import Purger
from integrationbus.server.retention import Retention
from integrationbus.server.storage import schema
from integrationbus.server.task import (
    TRANSITIONS,
    MissingKeyAction,
    ProcessType,
    TaskActionKind,
    TaskState,
    TaskType,
)

CONNECTOR = "notified"
PERSONS = st.integers(0, 4)
FINAL = ("SUCCEEDED", "DELETED")
ANY = list(HealthCheck)
KEPT = timedelta(days=1)

_MISBEHAVIOUR: dict[str, dict[str, object]] = {"raise": {"do": "raise"}, "flaky": {"do": "retry"}}


@dataclass(frozen=True)
class NewTask:
    """What a task is to be."""

    kind: str
    person: int
    process_type: ProcessType
    boss: int | None
    waits: bool


NEW_TASK = st.builds(
    NewTask,
    kind=st.sampled_from(["write", "write", "write", "write", "delete", "raise", "flaky"]),
    person=PERSONS,
    process_type=st.sampled_from(ProcessType),
    boss=st.none() | PERSONS,
    waits=st.sampled_from([True, True, False]),
)

# One rule for all of them: hypothesis leaves whole rules out of an example, and then hardly anything meets.
STEP = st.one_of(
    st.tuples(st.just("log"), st.lists(NEW_TASK, min_size=1, max_size=4)),
    st.tuples(st.just("notify"), st.booleans()),
    st.tuples(st.just("notify"), st.booleans()),
    st.tuples(st.just("act"), st.tuples(st.integers(0, 1000), st.sampled_from(TaskActionKind))),
    st.tuples(st.just("act"), st.tuples(st.integers(0, 1000), st.sampled_from(TaskActionKind))),
    st.tuples(st.just("resume"), st.sampled_from(HeadAction)),
    st.tuples(st.just("break_down"), st.integers(0, 4)),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("purge"), st.none()),
)


class Queue(RuleBasedStateMachine):
    """A real bus beside the model. Tasks are claimed one by one, so that the model need not know of batches."""

    @initialize(wanted=st.lists(NEW_TASK, min_size=3, max_size=8))
    def begin(self, wanted: list[NewTask]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self._folder.name) / 'bus.db'}"
        self.clock = ManualClock()
        self.bus = Workbench(url, self.clock, ["support.people:NotifiedConnector"])
        self.worker = self.bus.workers[CONNECTOR]
        self.connector = self.bus.registry.get(CONNECTOR).connector
        self.model = QueueModel()
        self.ids: list[str] = []
        self._log(wanted)

    def teardown(self) -> None:
        if hasattr(self, "bus"):
            self.bus.__exit__(None, None, None)
            self._folder.cleanup()

    @rule(step=STEP)
    def step(self, step: tuple[str, object]) -> None:
        """Do one thing, to the bus and to the model."""
        getattr(self, f"_{step[0]}")(step[1])

    def _log(self, wanted: list[NewTask]) -> None:
        for new in wanted:
            age, boss = len(self.ids), None if new.kind == "delete" else new.boss
            fields: dict[str, object] = {"name": f"p{new.person}", "age": age, **_MISBEHAVIOUR.get(new.kind, {})}
            if boss is not None:
                fields["boss_id"] = str(boss)
            self.ids += self.bus.log(
                new_task(
                    fields,
                    connector=CONNECTOR,
                    task_type=TaskType.DELETE_OBJECT if new.kind == "delete" else TaskType.UPDATE_OBJECT,
                    process_type=new.process_type,
                    external_id=str(new.person),
                    missing_key=MissingKeyAction.WAIT if new.waits else MissingKeyAction.FAIL,
                )
            )
            self.model.log(
                kind=new.kind,
                person=new.person,
                process_type=new.process_type.name,
                age=age,
                boss=boss,
                waits=new.waits,
            )

    def _notify(self, clear_halt: bool) -> None:
        [ticket] = self.bus.dispatcher.request_runs([CONNECTOR], clear_halt=clear_halt, actor="", reason="")
        if clear_halt:
            # A connector that is halted and paused is released from the halt, and stays paused.
            self.model.halted = None
        if self.model.halted is not None or self.model.paused:
            assert ticket.run is None
            return
        assert ticket.run is not None
        assert self.bus.wait_for(ticket.run.id).state.name == self.model.run()

    def _break_down(self, failures: int) -> None:
        """From now on, flaky tasks fail so often."""
        self.connector.failures_left = self.model.failures_left = failures  # type: ignore[union-attr] # people

    def _act(self, choice: tuple[int, TaskActionKind]) -> None:
        number, action = choice
        task = self.model.tasks[number % len(self.model.tasks)]
        if task.state in FINAL or task.gone:
            return
        self.bus.act(action, self.ids[task.sequence - 1])
        called = self.model.act(action.name, task)
        self._wait_until_idle()
        if called:
            self.model.run(called_only=True)

    def _pause(self, _: None) -> None:
        self.bus.dispatcher.pause(CONNECTOR, actor="", reason="")
        self.model.paused = True

    def _purge(self, _: None) -> None:
        self.clock.advance(KEPT)
        retention = Retention(succeeded=KEPT, failed=KEPT, deleted=KEPT, events=KEPT, runs=KEPT)
        Purger(self.bus.store, retention).sweep()
        self.model.purge()

    def _resume(self, action: HeadAction) -> None:
        run = self.bus.dispatcher.resume(CONNECTOR, action, actor="", reason="")
        self.model.resume(action.name)
        assert self.bus.wait_for(run.id).state.name == self.model.run()

    def _wait_until_idle(self) -> None:
        self.bus.wait_until(lambda: self.worker.is_running, lambda running: not running)

    @invariant()
    def every_task_stands_where_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        found = {task.sequence: task for task in self.bus.all_tasks()}
        assert set(found) == {task.sequence for task in self.model.tasks if not task.gone}
        for expected in (task for task in self.model.tasks if not task.gone):
            task = found[expected.sequence]
            assert (task.state.name, task.in_line, task.passed_over, task.attempt_count, task.failure_count) == (
                expected.state,
                expected.in_line,
                expected.passed_over,
                expected.attempts,
                expected.failures,
            ), f"task {expected}"
            behind = [key.behind for key in self.bus.task(task.id).waiting_for if key.behind]
            assert behind == ([self.ids[expected.behind.sequence - 1]] if expected.behind else [])

    @invariant()
    def every_person_is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        views = self.bus.objects.list("test.person", after_id=0, limit=100)
        names = {view.id: view.code_name for view in views}
        found = {view.code_name: (view.fields["age"], names.get(view.fields["boss_id"])) for view in views}  # type: ignore[call-overload] # an id
        expected = {
            f"p{number}": (person.age, None if person.boss is None else f"p{person.boss}")
            for number, person in self.model.persons.items()
        }
        assert found == expected

    @invariant()
    def the_books_are_in_order(self) -> None:
        if not hasattr(self, "model"):
            return
        record = self.bus.store.connector(CONNECTOR)
        halted = self.model.halted
        assert record.halted_by == (self.ids[halted.sequence - 1] if halted else "")
        counted = Counter(task.state for task in self.model.tasks if not task.gone)
        assert {state.name: getattr(record.counts, state.name.lower()) for state in TaskState} == {
            state.name: counted[state.name] for state in TaskState
        }
        events = self.bus.store.events(record.id, after_position=0, limit=100_000).events
        assert problems_of_the_books(self.bus.database) == []
        last: dict[int, TaskState | None] = {}
        for event in events:
            # The changes before may be gone.
            earlier = event.previous_state if record.feed_floor else None
            assert event.previous_state == last.get(event.sequence, earlier)
            assert event.previous_state is None or event.state in TRANSITIONS[event.previous_state]
            last[event.sequence] = event.state
        waiting = {task.sequence for task in self.model.tasks if task.state == "WAITING"}
        with self.bus.database.read() as connection:
            for table in (schema.task_wait, schema.task_subject):
                assert set(connection.execute(select(table.c.sequence)).scalars()) == waiting
            still_open = select(func.count()).where(schema.task_attempt.c.outcome.is_(None))
            assert connection.execute(still_open).scalar_one() == 0


def test_the_queue_does_what_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size, "_LARGEST", 1)
    # Without shrinking: a failure shows all its steps at once instead of a shorter version minutes later.
    steps = settings(max_examples=15, stateful_step_count=40, phases=[Phase.generate], suppress_health_check=ANY)
    run_state_machine_as_test(Queue, settings=steps)
