"""A connector that goes from one replica to another: nothing that was asked for stays behind."""

import threading
from collections.abc import Collection
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import pytest
from sqlalchemy import text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector

from integrationbus.server.claims import NewRun
from integrationbus.server.connector import ConnectorRecord, ConnectorState, HeadAction, Lease
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.ids import new_id
from integrationbus.server.replica import Replica, RequestedRun
from integrationbus.server.replicas.group import ReplicaGroup
from integrationbus.server.replicas.trust import Window
from integrationbus.server.run import Run, RunState, RunTrigger
from integrationbus.server.task import ProcessType, TaskState

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = {"people"}


class OneOfTwo:
    """See ``Homes``: every connector could be processed by another replica, and is to be by this one if ``here``."""

    def __init__(self, *, here: bool) -> None:
        self._here = here

    def is_here(self, _connector: str) -> bool:
        return self._here

    def is_elsewhere(self, _connector: str) -> bool:
        return True

    def tell(self) -> None:
        pass


def run(*, called_only: bool = False) -> NewRun:
    return NewRun(id=new_id(), trigger=RunTrigger.NOTIFY, requested_by="tests", called_only=called_only)


def record(bus: Workbench) -> ConnectorRecord:
    return bus.store.connector("people")


def take(bus: Workbench, owner: str) -> None:
    """Another process has the connector from now on."""
    with bus.database.write() as connection:
        connection.execute(
            text("UPDATE lease SET owner = :owner, epoch = epoch + 1, expires_at = :never"),
            {"owner": owner, "never": 2**62},
        )


def requested(bus: Workbench) -> list[tuple[str, bool]]:
    return [(each.run.id, each.run.called_only) for each in bus.store.news().requested]


def one_request(bus: Workbench) -> RequestedRun:
    [request] = bus.store.news().requested
    return request


def halt(bus: Workbench) -> None:
    bus.log(new_task({"do": "raise"}, process_type=ProcessType.DEFAULT))
    assert bus.process().state is RunState.HALTED


def succeeds(bus: Workbench) -> None:
    """A task is processed when it is logged, and nobody asks for it."""
    [task_id] = bus.log(new_task({"name": new_id()}, external_id=new_id()))
    bus.dispatcher.tasks_logged(PEOPLE)
    assert bus.settled(task_id).state is TaskState.SUCCEEDED


@SQLITE
def test_a_hold_that_ended_while_others_had_the_connector_is_forgotten(bus: Workbench) -> None:
    halt(bus)
    bus.wait_until(lambda: bus.dispatcher.give_back(PEOPLE), bool)
    bus.store.clear_halt("people", HeadAction.SKIP, actor="", reason="")
    bus.dispatcher.adopt(PEOPLE)
    succeeds(bus)


@SQLITE
def test_a_hold_that_ends_is_seen_whoever_ends_it(bus: Workbench) -> None:
    """By a replica that lacks the connector, for example: it cannot say what is to run."""
    halt(bus)
    bus.dispatcher.see(bus.tidings())
    assert not bus.workers["people"].is_running
    bus.store.clear_halt("people", HeadAction.SKIP, actor="", reason="")
    [behind] = bus.log(new_task({"name": "behind"}))
    bus.dispatcher.see(bus.tidings())
    assert bus.states([behind]) == ["PENDING"], "whoever ended it may be about to start a run"
    bus.dispatcher.see(bus.tidings())
    assert bus.settled(behind).state is TaskState.SUCCEEDED


def test_what_cannot_be_adopted_is_adopted_with_the_next_beat(bus: Workbench, clock: ManualClock) -> None:
    adopted: SimpleQueue[set[str]] = SimpleQueue()

    class Work:
        def adopt(self, names: Collection[str]) -> None:
            adopted.put(set(names))
            if failures:
                raise failures.pop()

        def give_back(self, _names: Collection[str]) -> Collection[str]:
            return ()

    failures: list[Exception] = [StoreUnavailable("a moment of trouble")]
    take(bus, "somebody")
    lease = timedelta(seconds=0.1)
    group = ReplicaGroup(
        store=bus.store,
        replica=Replica(id=new_id(), connectors=frozenset(PEOPLE), started_at=clock.now()),
        lease=lease,
        poll_seconds=60,
        clock=clock,
        send=lambda _signal: None,
        on_tidings=lambda _tidings: None,
    )
    try:
        group.start(Work())
        bus.store.release_lease("people", "somebody")
        assert [adopted.get(timeout=10) for _ in range(2)] == [PEOPLE, PEOPLE]
    finally:
        group.stop()
    assert adopted.empty(), "once is enough"


@SQLITE
def test_what_joins_a_run_that_is_handed_over_goes_with_it(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    take(bus, "somebody")
    acquire = bus.store.acquire_lease

    def acquire_late(*args: Any, **options: Any) -> Lease:
        monkeypatch.setattr(bus.store, "acquire_lease", acquire)
        bus.workers["people"].trigger(run())
        return acquire(*args, **options)

    monkeypatch.setattr(bus.store, "acquire_lease", acquire_late)
    first = run(called_only=True)
    bus.workers["people"].trigger(first)
    assert bus.wait_until(lambda: requested(bus), bool) == [(first.id, False)]


@SQLITE
def test_a_run_that_cannot_be_handed_over_is_not_forgotten(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    take(bus, "somebody")
    leave, failed = bus.store.leave_request, threading.Event()

    def fail(*_: object) -> Any:
        monkeypatch.setattr(bus.store, "leave_request", leave)
        failed.set()
        raise StoreUnavailable("a moment of trouble")

    monkeypatch.setattr(bus.store, "leave_request", fail)
    wanted = run()
    bus.workers["people"].trigger_on_record(wanted)
    assert failed.wait(10)
    bus.workers["people"].poke()
    assert bus.wait_until(lambda: requested(bus), bool) == [(wanted.id, False)]


@SQLITE
def test_a_run_that_joins_another_one_elsewhere_ends_however_late_it_is_on_record(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(bus, "somebody")
    bus.store.leave_request(record(bus).id, run())
    begin, end, ended, own = bus.store.begin_run, bus.store.end_run, threading.Event(), threading.current_thread()

    def begin_late(connector_id: int, wanted: NewRun) -> Run:
        assert threading.current_thread() is not own or ended.wait(10)
        return begin(connector_id, wanted)

    def end_and_tell(*args: Any, **options: Any) -> Any:
        try:
            return end(*args, **options)
        finally:
            ended.set()

    monkeypatch.setattr(bus.store, "begin_run", begin_late)
    monkeypatch.setattr(bus.store, "end_run", end_and_tell)
    _, accepted = bus.workers["people"].trigger_on_record(run())
    assert bus.store.run(accepted.id).state is RunState.INTERRUPTED


@SQLITE
def test_a_run_goes_on_under_its_own_id_whoever_takes_the_connector(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, homes=OneOfTwo(here=True)) as bus:
        resumed = bus.dispatcher.resume("people", HeadAction.RETRY, actor="tests", reason="")
        # Its own thread has not even begun; whoever takes the connector now ends what it finds.
        bus.store.acquire_lease("people", "somebody", new_id())
        assert bus.store.run(resumed.id).state is RunState.RUNNING
        bus.store.release_lease("people", "somebody")
        bus.dispatcher.see(bus.tidings())
        assert bus.wait_for(resumed.id).state is RunState.COMPLETED
        # Now it has the connector, and begins a run without a detour.
        assert bus.process().state is RunState.COMPLETED
        assert requested(bus) == []


@SQLITE
def test_a_connector_that_runs_elsewhere_until_it_comes_is_called_running(
    database_url: str, clock: ManualClock
) -> None:
    with Workbench(database_url, clock, homes=OneOfTwo(here=True)) as bus:
        elsewhere = run()
        bus.store.acquire_lease("people", "somebody", elsewhere.id)
        bus.store.begin_run(record(bus).id, elsewhere)
        assert bus.dispatcher.state_of(record(bus))[0] is ConnectorState.RUNNING
        bus.store.release_lease("people", "somebody")
        # Whoever takes the connector ends what is left, and knows best from then on.
        bus.workers["people"].trigger(run())
        bus.rest()
        assert bus.dispatcher.state_of(record(bus))[0] is ConnectorState.IDLE


def test_a_requested_run_that_goes_on_elsewhere_is_not_ended_by_who_lost_it(bus: Workbench) -> None:
    """The holder froze in the middle of it, and wakes up when another one carries it out."""
    bus.process()
    wanted = run()
    bus.store.leave_request(record(bus).id, wanted)
    take(bus, "somebody")
    bus.workers["people"].trigger_requested(one_request(bus))
    # Its own attempt at another run finds out who has the connector.
    bus.workers["people"].poke()
    bus.wait_until(lambda: one_request(bus).number, lambda number: number == 2)
    assert requested(bus) == [(wanted.id, False)]
    assert bus.store.run(wanted.id).state is RunState.RUNNING


@SQLITE
def test_a_run_that_has_ended_elsewhere_is_handed_over_under_another_id(bus: Workbench) -> None:
    """What was read of the requests was too old."""
    take(bus, "somebody")
    over = run()
    bus.store.leave_request(record(bus).id, over)
    stale = one_request(bus)
    bus.store.end_run(over.id, RunState.COMPLETED, seen=1)
    bus.workers["people"].trigger_requested(stale)
    [(left, _)] = bus.wait_until(lambda: requested(bus), bool)
    assert left != over.id
    assert bus.store.run(left).state is RunState.RUNNING


@SQLITE
def test_a_requested_run_that_is_over_is_not_begun_again(bus: Workbench) -> None:
    wanted = run()
    bus.store.leave_request(record(bus).id, wanted)
    stale = bus.tidings()
    bus.dispatcher.see(stale)
    assert bus.wait_for(wanted.id).state is RunState.COMPLETED
    bus.rest()
    bus.dispatcher.see(stale)
    assert not bus.workers["people"].is_running


@SQLITE
@pytest.mark.parametrize("cancelled", [False, True])
def test_what_starts_with_the_connector_joins_a_run_that_was_left(bus: Workbench, *, cancelled: bool) -> None:
    [task_id] = bus.log(new_task({"name": "logged"}))
    wanted = run()
    bus.store.leave_request(record(bus).id, wanted)
    if cancelled:
        bus.store.note_cancellation(wanted.id, actor="tests", reason="")
    bus.dispatcher.adopt(PEOPLE)
    assert bus.settled(task_id).state is TaskState.SUCCEEDED
    bus.dispatcher.see(bus.tidings())
    assert bus.wait_for(wanted.id).counts.succeeded == (0 if cancelled else 1)


@SQLITE
def test_what_comes_while_the_connector_is_given_back_takes_it_anew(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus.process()
    [task_id] = bus.log(new_task({"name": "late"}))
    acquire, release, runs = bus.store.acquire_lease, bus.store.release_lease, list[Run]()
    taken, released = threading.Event(), threading.Event()

    def acquire_and_wait(*args: Any, **options: Any) -> Lease:
        lease = acquire(*args, **options)
        taken.set()
        assert released.wait(10)
        return lease

    def release_late(name: str, owner: str) -> None:
        monkeypatch.setattr(bus.store, "release_lease", release)
        runs.append(bus.workers["people"].trigger_on_record(run())[1])
        taken.wait(0.2)
        release(name, owner)
        released.set()

    monkeypatch.setattr(bus.store, "acquire_lease", acquire_and_wait)
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    monkeypatch.setattr(bus.store, "release_lease", release_late)
    bus.rest()
    assert bus.wait_for(runs[0].id).state is RunState.COMPLETED
    assert bus.states([task_id]) == ["SUCCEEDED"]


@SQLITE
def test_a_connector_is_not_given_back_before_the_end_of_its_run_is_on_record(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, given_back = bus.store.end_run, list[Collection[str]]()

    def end_late(*args: Any, **options: Any) -> Any:
        given_back.append(bus.dispatcher.give_back(PEOPLE))
        return end(*args, **options)

    monkeypatch.setattr(bus.store, "end_run", end_late)
    assert bus.process().state is RunState.COMPLETED
    assert given_back == [[]]


def test_a_lease_is_trusted_that_a_claim_has_proved(database_url: str, clock: ManualClock) -> None:
    """The heartbeat passes over a lease whose row is locked, as it is in every claim."""
    with Workbench(database_url, clock, trust=Window(timedelta(seconds=15), clock)) as bus:
        bus.process()
        clock.advance(timedelta(seconds=14))
        [task_id] = bus.log(new_task({"name": "late"}))
        assert bus.process().state is RunState.COMPLETED
        assert bus.states([task_id]) == ["SUCCEEDED"]


@SQLITE
def test_who_does_not_hold_a_connector_does_not_ask_for_the_same_run_again_and_again(
    database_url: str, clock: ManualClock
) -> None:
    """Until its next heartbeat a replica may believe that a connector is here which another one has just taken."""
    with Workbench(database_url, clock, homes=OneOfTwo(here=True)) as bus:
        take(bus, "somebody")
        wanted = run()
        bus.store.leave_request(record(bus).id, wanted)
        for _ in range(5):
            # In a server, ``tell`` has the lookout look at once, which is what this loop does.
            bus.dispatcher.see(bus.tidings())
            bus.rest()
        left = one_request(bus)
        assert (left.run.id, left.number) == (wanted.id, 1)


@SQLITE
def test_a_connector_that_is_busy_all_the_time_can_be_given_back(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its home is elsewhere now, because somebody started a replica to help; but one task follows the other."""
    prepare = PeopleConnector.prepare_internal_object
    logs = threading.Event()
    logs.set()

    def and_log_another(connector: PeopleConnector, *arguments: Any) -> object:
        if logs.is_set():
            bus.log(new_task({"name": new_id()}))
            bus.dispatcher.tasks_logged(PEOPLE)
        return prepare(connector, *arguments)

    monkeypatch.setattr(PeopleConnector, "prepare_internal_object", and_log_another)
    bus.log(new_task({"name": new_id()}))
    bus.dispatcher.tasks_logged(PEOPLE)
    try:
        bus.wait_until(lambda: bus.dispatcher.give_back(PEOPLE), bool)
    finally:
        logs.clear()


@SQLITE
def test_what_falls_due_while_nobody_has_the_connector_is_made_up_for(database_url: str, clock: ManualClock) -> None:
    nightly = ["support.people:NightlyConnector"]
    with Workbench(database_url, clock, nightly, homes=OneOfTwo(here=False), handover=timedelta(seconds=17)) as bus:
        [task_id] = bus.log(new_task({"name": "nightly"}, connector="nightly"))
        bus.dispatcher.schedule_is_due("nightly")
        clock.advance(timedelta(seconds=18))
        bus.dispatcher.adopt({"nightly"})
        assert not bus.workers["nightly"].is_running, "somebody else had it in time"
        bus.dispatcher.schedule_is_due("nightly")
        clock.advance(timedelta(seconds=17))
        bus.dispatcher.adopt({"nightly"})
        assert bus.settled(task_id).state is TaskState.SUCCEEDED
