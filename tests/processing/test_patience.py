"""Trouble that lasts does not keep a connector busy: it tries again after a while, whatever comes meanwhile."""

import time
from collections.abc import Callable
from queue import SimpleQueue

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.claims import Claim, ClaimRequest
from integrationbus.server.connector import Lease
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.task import MissingKeyAction, TaskActionKind, TaskState

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = {"people"}


def attempts_in_vain(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> "SimpleQueue[float]":
    """From now on no claim succeeds; the queue gets when each was tried."""
    tried: SimpleQueue[float] = SimpleQueue()

    def fail(_lease: Lease, _request: ClaimRequest) -> Claim:
        tried.put(time.monotonic())
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(bus.store, "claim", fail)
    return tried


def seconds_between_attempts(tried: "SimpleQueue[float]") -> float:
    first, second = (tried.get(timeout=30) for _ in range(2))
    return second - first


@SQLITE
def test_an_interrupted_run_does_not_wake_itself_by_a_task_that_is_called(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks for what is called, and finds its own task."""
    [task_id] = bus.log(new_task({"name": "Bob", "boss_id": "nobody"}, missing_key=MissingKeyAction.WAIT))
    bus.dispatcher.tasks_logged(PEOPLE)
    assert bus.settled(task_id).state is TaskState.WAITING
    bus.rest()
    tried = attempts_in_vain(bus, monkeypatch)
    bus.act(TaskActionKind.RETRY, task_id)
    assert seconds_between_attempts(tried) >= 0.99


def log_another(bus: Workbench) -> None:
    bus.log(new_task({"name": "Bob"}))
    bus.dispatcher.tasks_logged(PEOPLE)


def see_a_change(bus: Workbench) -> None:
    """Every attempt changes the connector, which the replica's own lookout sees."""
    people = bus.registry.get("people").id
    bus.dispatcher.see(Tidings(changed=[people], logged=(), called=(), requested=(), cancelled=(), held=(), halted=()))


@SQLITE
@pytest.mark.parametrize("come", [log_another, see_a_change])
def test_an_interrupted_run_is_not_woken_by_what_comes_right_after_it(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch, come: Callable[[Workbench], None]
) -> None:
    tried = attempts_in_vain(bus, monkeypatch)
    # The worker asks for this when it has given the run up, just before it waits.
    monkeypatch.setattr(bus.dispatcher, "look_for_called", lambda: come(bus))
    log_another(bus)
    assert seconds_between_attempts(tried) >= 0.99


@SQLITE
def test_whoever_asks_for_a_run_is_served_at_once(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = attempts_in_vain(bus, monkeypatch)
    monkeypatch.setattr(
        bus.dispatcher,
        "look_for_called",
        lambda: bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason=""),
    )
    log_another(bus)
    # Ten in a row would take minutes otherwise, each waiting longer than the one before.
    assert all(tried.get(timeout=30) for _ in range(10))
    monkeypatch.undo()
