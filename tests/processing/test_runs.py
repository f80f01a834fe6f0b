"""Runs: triggers that come together, stops in the middle, and what the next start finds."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.gates import Gate

from integrationbus.server.claims import Claim, ClaimRequest, NewRun
from integrationbus.server.connector import Lease
from integrationbus.server.errors import ServerDraining, StoreUnavailable
from integrationbus.server.processing.runner import RunEnd
from integrationbus.server.processing.worker import ConnectorWorker
from integrationbus.server.run import NotifyOutcome, Run, RunState, RunTrigger
from integrationbus.server.store import Store


def request(bus: Workbench) -> tuple[NotifyOutcome, str]:
    [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert ticket.run
    return ticket.outcome, ticket.run.id


def test_a_notify_during_a_run_joins_it_and_the_run_looks_again(bus: Workbench, gate: Gate) -> None:
    bus.log(new_task({"name": "Ada"}))
    outcome, run_id = request(bus)
    assert outcome is NotifyOutcome.STARTED
    gate.wait_until_reached()
    bus.log(new_task({"name": "Bob"}))
    assert request(bus) == (NotifyOutcome.COALESCED, run_id)
    gate.open()
    run = bus.wait_for(run_id)
    assert (run.state, run.counts.succeeded) == (RunState.COMPLETED, 2)
    assert len(bus.store.runs(None, before=None, limit=9)) == 1


def test_a_stop_in_the_middle_settles_what_is_in_hand_and_gives_the_rest_back(bus: Workbench, gate: Gate) -> None:
    ids = bus.log(*(new_task({"name": f"p{i}"}) for i in range(5)))
    _, run_id = request(bus)
    gate.wait_until_reached()
    bus.workers["people"].begin_to_stop()
    gate.open()
    bus.dispatcher.stop()
    assert bus.states(ids) == ["SUCCEEDED", "PENDING", "PENDING", "PENDING", "PENDING"]
    assert bus.store.run(run_id).state is RunState.STOPPED
    with pytest.raises(ServerDraining):
        request(bus)
    bus.dispatcher.stop()


def test_the_next_start_goes_on_with_what_was_left(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    with Workbench(url, clock) as bus:
        bus.log(*(new_task({"name": f"p{i}"}) for i in range(5)))
    with Workbench(url, clock) as bus:
        bus.dispatcher.adopt(["people"])
        [run] = wait_for_runs(bus, 1)
        assert (run.trigger.name, run.counts.succeeded) == ("STARTUP", 5)
    with Workbench(url, clock) as bus:
        bus.dispatcher.adopt(["people"])
        bus.dispatcher.stop()
        assert len(bus.store.runs(None, before=None, limit=9)) == 1, "there is nothing left to do"


def wait_for_runs(bus: Workbench, number: int) -> Sequence[Run]:
    """The runs, once there are so many and all have ended."""
    return bus.wait_until(
        lambda: [run for run in bus.store.runs(None, before=None, limit=9) if run.state is not RunState.RUNNING],
        lambda runs: len(runs) >= number,
    )


def test_logged_tasks_wake_their_connector(bus: Workbench) -> None:
    ids = bus.log(new_task({"name": "Ada"}))
    bus.dispatcher.tasks_logged(["people"])
    bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SUCCEEDED"])
    bus.dispatcher.pause("people", actor="", reason="")
    later = bus.log(new_task({"name": "Bob"}))
    bus.dispatcher.tasks_logged(["people"])
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    assert bus.states(later) == ["PENDING"]


class RunnerThatIsTriggered:
    """Ends its first pass with a trigger that came too late for it."""

    def __init__(self, store: Store) -> None:
        self.take = store.acquire_lease
        self.passes = 0
        self.trigger: Callable[[], object] = bool

    def run(self, lease: Lease, run: NewRun, after_sequence: int, pause: object) -> RunEnd:
        self.passes += 1
        if self.passes == 1:
            self.trigger()
        return RunEnd(state=RunState.COMPLETED, place=after_sequence)


def test_a_trigger_at_the_very_end_of_a_run_is_not_lost(bus: Workbench, clock: ManualClock) -> None:
    runner, ended = RunnerThatIsTriggered(bus.store), threading.Event()
    worker = ConnectorWorker(
        bus.registry.get("people"),
        runner=runner,  # type: ignore[arg-type] # only take and run are called
        store=bus.store,
        owner="tests",
        clock=clock,
        on_change=ended.set,
        on_interrupted=lambda: None,
    )
    runner.trigger = lambda: worker.trigger(NewRun(id="late", trigger=RunTrigger.NOTIFY))
    worker.trigger(NewRun(id="first", trigger=RunTrigger.NOTIFY))
    assert ended.wait(timeout=10)
    worker.stop()
    assert runner.passes == 2


def test_a_run_that_the_database_interrupts_is_followed_by_another(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([StoreUnavailable("the disk is full"), RuntimeError("a fault of the server")])
    claim = bus.store.claim

    def failing_claim(lease: Lease, request: ClaimRequest) -> Claim:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        return claim(lease, request)

    monkeypatch.setattr(bus.store, "claim", failing_claim)
    ids = bus.log(new_task({"name": "Ada"}))
    _, first = request(bus)
    for ended in (1, 2):
        wait_for_runs(bus, ended)
        request(bus)  # joins the next one and ends its patience, or comes after it
    runs = wait_for_runs(bus, 3)
    assert bus.states(ids) == ["SUCCEEDED"]
    assert bus.wait_for(first).state is RunState.INTERRUPTED
    assert [run.state.name for run in runs][-3:] == ["COMPLETED", "INTERRUPTED", "INTERRUPTED"]


def test_a_task_is_not_charged_with_the_trouble_of_the_database(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    settling = bus.store.settling
    failures = iter([StoreUnavailable("locked")] * 4)

    @contextmanager
    def failing(lease: Lease, run_id: str) -> Iterator[object]:
        with settling(lease, run_id) as transaction:
            yield transaction
            failure = next(failures, None)
            if failure is not None:
                raise failure

    monkeypatch.setattr(bus.store, "settling", failing)
    [task_id] = bus.log(new_task({"name": "Ada"}))
    request(bus)
    for number in range(1, 5):
        wait_for_runs(bus, number)
        request(bus)
    bus.wait_until(lambda: bus.states([task_id]), lambda states: states == ["SUCCEEDED"])
    assert bus.task(task_id).crash_count == 0


def test_a_run_that_is_asked_for_at_the_end_of_another_ends_as_well(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request comes after the run is over and before its end is on record, and is slow to record its own run."""
    end_run, begin_run = bus.store.end_run, bus.store.begin_run
    asked = threading.Event()

    def end_run_late(run_id: str, state: RunState, *, seen: int, lost: bool) -> None:
        monkeypatch.setattr(bus.store, "end_run", end_run)
        accepted = NewRun(id="second", trigger=RunTrigger.NOTIFY)
        monkeypatch.setattr(bus.store, "begin_run", lambda _id, run: run)
        bus.workers["people"].trigger_on_record(accepted)
        monkeypatch.setattr(bus.store, "begin_run", begin_run)
        asked.set()
        end_run(run_id, state, seen=seen, lost=lost)

    monkeypatch.setattr(bus.store, "end_run", end_run_late)
    request(bus)
    assert asked.wait(timeout=30)
    bus.wait_until(lambda: bus.workers["people"].is_running, lambda running: not running)
    bus.dispatcher.stop()
    second = begin_run(bus.registry.get("people").id, NewRun(id="second", trigger=RunTrigger.NOTIFY))
    assert second.state is RunState.COMPLETED, "whoever records it late finds it ended"
