"""Objects in a database of their own: whatever happens between the two commits, an effect comes exactly once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Connection, text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import APART
from support.people import PeopleConnector
from support.writes import count_writes, writes_of

from integrationbus.connectors.keys import ObjectParams
from integrationbus.server.claims import ClaimRequest, NewRun
from integrationbus.server.errors import LeaseLost, OutcomeUnknown, StoreUnavailable
from integrationbus.server.run import RunState, RunTrigger
from integrationbus.server.target.ledger import SqlLedger
from integrationbus.server.task import AttemptOutcome, MissingKeyAction, TaskState, TaskType

PATHS = ["support.people:PeopleConnector", "support.people:PatientConnector"]
UPDATE = TaskType.UPDATE_OBJECT

pytestmark = pytest.mark.parametrize("database_url", [APART], indirect=True)


@pytest.fixture
def two(database_url: str, target_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """The connectors "people" and "patient"; every write to a person is counted."""
    with Workbench(database_url, clock, PATHS, target_url=target_url) as bus:
        count_writes(bus.target.database, "test_person")
        knowing_each_other(bus)
        yield bus


def knowing_each_other(bus: Workbench) -> None:
    patient = cast(PeopleConnector, bus.registry.get("patient").connector)
    patient.params["9", "test.person"] = ObjectParams(code_name="p9")


def once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, happens: Callable[[], object]) -> None:
    """Let something happen before the next call of a method, and only then."""
    method = getattr(owner, name)

    def interrupted(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(owner, name, method)
        happens()
        return method(*arguments, **options)

    monkeypatch.setattr(owner, name, interrupted)


def fail() -> None:
    raise StoreUnavailable("between the two commits")


def prepared(bus: Workbench) -> int:
    return [name for name, _ in bus.people.calls].count("prepare")


def ledger(bus: Workbench) -> int:
    with bus.target.database.read() as connection:
        return len(connection.execute(text("SELECT * FROM bus_applied")).all())


def until_done(bus: Workbench, *ids: str) -> None:
    bus.workers["people"].poke()  # it need not wait before it tries again
    bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SUCCEEDED"] * len(ids))


def test_what_was_done_before_the_queue_failed_is_settled_and_not_done_again(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = two.log(
        new_task({"name": "Ada", "age": 1}, external_id="1"),
        new_task({"name": "Bob", "age": 1, "friend_id": "nobody"}, external_id="2"),
        new_task({"name": "Ada", "age": 2}, external_id="1", task_type=UPDATE),
    )
    two.process()
    more = two.log(new_task({"name": "Ada", "age": 3}, external_id="1", task_type=UPDATE))
    once(monkeypatch, two.store, "settling", fail)
    interrupted = two.process()
    assert interrupted.state is RunState.INTERRUPTED
    until_done(two, *ids, *more)
    assert writes_of(two.target.database) == ["INSERT", "INSERT", "UPDATE", "UPDATE"]
    assert two.fields_of("test.person", "Ada")["age"] == 3
    assert prepared(two) == 4
    [found] = [two.task(task_id) for task_id in more]
    assert (found.attempt_count, found.crash_count, found.isolated) == (1, 0, False)
    assert found.result == two.task(ids[2]).result
    assert two.store.run(interrupted.id).counts.succeeded == 1
    assert two.task(ids[1]).result.notes  # type: ignore[union-attr] # it succeeded


def test_the_ledger_holds_the_last_batch_only(two: Workbench) -> None:
    for number in range(3):
        two.log(new_task({"name": f"p{number}"}))
        two.process()
        assert ledger(two) == 1
    assert writes_of(two.target.database) == ["INSERT"] * 3


@pytest.mark.parametrize("was_done", [True, False])
def test_a_commit_of_the_target_whose_answer_is_lost_is_found_out(
    two: Workbench, monkeypatch: pytest.MonkeyPatch, *, was_done: bool
) -> None:
    two.log(new_task({"name": "Ada"}))
    two.process()
    [task_id] = two.log(new_task({"name": "Ada", "age": 5}, task_type=UPDATE))
    write = two.target.database.write

    @contextmanager
    def lost() -> Iterator[Connection]:
        monkeypatch.setattr(two.target.database, "write", write)
        with write() as connection:
            yield connection
            if not was_done:
                connection.rollback()
        raise OutcomeUnknown("the answer was lost")

    monkeypatch.setattr(two.target.database, "write", lost)
    two.process()
    until_done(two, task_id)
    assert writes_of(two.target.database) == ["INSERT", "UPDATE"]
    assert prepared(two) == (2 if was_done else 3)


def test_the_next_server_settles_what_the_dead_one_did_even_while_the_connector_is_paused(
    database_url: str, target_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workbench(database_url, clock, PATHS, target_url=target_url) as bus:
        count_writes(bus.target.database, "test_person")
        knowing_each_other(bus)
        [waiting] = bus.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
        bus.process("patient")
        [task_id] = bus.log(new_task({"name": "p9"}))
        died = threading.Event()

        def die(*_: object) -> None:
            bus.workers["people"].begin_to_stop()
            died.set()
            fail()

        monkeypatch.setattr(bus.store, "settling", die)
        monkeypatch.setattr(bus.store, "end_run", die)  # nothing more comes from a dead process
        bus.dispatcher.tasks_logged(["people"])
        assert died.wait(timeout=10)
        bus.workers["people"].stop()
        assert [bus.task(each).state for each in (task_id, waiting)] == [TaskState.RUNNING, TaskState.WAITING]
    with Workbench(database_url, clock, PATHS, target_url=target_url) as bus:
        knowing_each_other(bus)
        bus.store.set_paused("people", paused=True, actor="", reason="")
        bus.dispatcher.adopt(["people"])
        bus.wait_until(lambda: bus.states([task_id, waiting]), lambda states: states == ["SUCCEEDED"] * 2)
        assert prepared(bus) == 0
        assert writes_of(bus.target.database) == ["INSERT", "INSERT"]
        assert bus.fields_of("test.person", "p1")["boss_id"] == bus.task(task_id).result.object_id  # type: ignore[union-attr] # it succeeded


def test_an_object_that_comes_between_the_commits_of_the_one_who_misses_it_is_seen(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.log(new_task({"name": "p9"}))
    [waiting] = two.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
    once(monkeypatch, two.store, "settling", lambda: two.process("people"))
    two.process("patient")
    assert two.states([waiting]) == ["SUCCEEDED"]
    assert two.task(waiting).attempt_count == 2


def test_an_object_that_was_committed_but_not_settled_is_seen_as_well(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The maker is between its commits; its queue transaction comes after the one of the task that waits."""
    [made] = two.log(new_task({"name": "p9"}))
    [waiting] = two.log(new_task({"name": "p1", "boss_id": "9"}, connector="patient"))
    looked, finished = threading.Event(), threading.Event()

    def wait_in_the_middle() -> None:
        looked.set()
        assert finished.wait(timeout=10)

    def let_the_other_commit() -> None:
        once(monkeypatch, two.store, "settling", wait_in_the_middle)
        two.dispatcher.tasks_logged(["people"])
        assert looked.wait(timeout=10)

    once(monkeypatch, two.store, "settling", let_the_other_commit)
    try:
        two.process("patient")
    finally:
        finished.set()
    two.wait_until(lambda: two.states([waiting, made]), lambda states: states == ["SUCCEEDED"] * 2)


def test_a_task_that_failed_in_an_interrupted_batch_is_tried_again_and_the_others_are_not(
    two: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [new_task({"name": f"p{number}"}) for number in range(3)]
    two.log(*names)
    two.process()
    late = new_task({"name": "late", "boss_id": "9"}, missing_key=MissingKeyAction.WAIT)
    ids = two.log(new_task({"name": "p3"}), late, new_task({"name": "p4"}))
    once(monkeypatch, two.store, "settling", fail)
    two.process()
    two.workers["people"].poke()
    two.wait_until(lambda: two.states(ids), lambda states: states == ["SUCCEEDED", "WAITING", "SUCCEEDED"])
    assert writes_of(two.target.database) == ["INSERT"] * 5


def test_a_connector_waits_while_the_target_is_away_and_no_call_does(
    two: Workbench, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    def away() -> Any:
        raise StoreUnavailable("the target is away")

    [task_id] = two.log(new_task({"name": "Ada"}))
    with monkeypatch.context() as patch:
        patch.setattr(two.target.database, "write", away)
        assert two.process().state is RunState.INTERRUPTED
        [other] = two.log(new_task({"name": "Bob"}))
        assert two.task(task_id).state is TaskState.PENDING
    clock.advance(timedelta(minutes=1))
    until_done(two, task_id, other)
    assert writes_of(two.target.database) == ["INSERT", "INSERT"]


def test_a_crash_is_remembered_while_the_target_is_away(two: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    [task_id] = two.log(new_task({"name": "Ada"}))
    lease = two.store.acquire_lease("people", "bench", "")
    run = NewRun(id="dead", trigger=RunTrigger.LOG)
    two.store.claim(lease, ClaimRequest(run=run, after_sequence=0, max_tasks=1, max_bytes=1))
    once(monkeypatch, two.target.database, "write", fail)
    two.process()
    until_done(two, task_id)
    outcomes = [attempt.outcome for attempt in two.store.attempts(task_id)[0]]
    assert outcomes == [AttemptOutcome.CRASHED, AttemptOutcome.SUCCEEDED]


def test_a_result_of_another_task_in_the_same_place_is_not_taken_for_that_of_this_one(
    two: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    """As a queue leaves it that was put back to an earlier state."""
    two.log(new_task({"name": "Ada"}))
    two.process()
    with two.target.database.write() as connection:
        rest = "connector_id, 2, 'another task', epoch, result, names"
        connection.execute(text(f"INSERT INTO bus_applied SELECT {rest} FROM bus_applied"))  # noqa: S608 - our own
    [task_id] = two.log(new_task({"name": "Bob"}))
    two.process()
    assert "a task of the batch was applied before" in caplog.text
    until_done(two, task_id)
    assert two.names("test.person") == ["Ada", "Bob"]


def test_the_queue_holds_no_objects(two: Workbench) -> None:
    two.log(new_task({"make": "site", "site_name": "main"}, external_id="1"))
    two.log(new_task({"name": "Ada"}, external_id="2"))
    two.process()
    with two.database.read() as connection:
        for table in ("cms_site", "key_map"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0  # noqa: S608 - ours
        tables = connection.execute(text("SELECT name FROM sqlite_master")).scalars().all()
    assert "test_person" not in tables


def test_who_comes_with_an_older_lease_does_not_get_the_target(two: Workbench) -> None:
    old, new = (two.store.acquire_lease("people", "me", "") for _ in range(2))
    ledger = SqlLedger(two.target.database)
    ledger.take(new)
    with pytest.raises(LeaseLost, match="people: epoch 1 is over in the target"):
        ledger.take(old)
    with pytest.raises(LeaseLost), ledger.writing(old):
        pytest.fail("nobody gets here")
    with ledger.writing(new) as transaction:
        assert transaction.handle.in_transaction()
