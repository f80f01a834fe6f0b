"""Trouble that lasts does not keep a connector busy: it tries again after a while, whatever comes meanwhile."""

import time

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.claims import Claim, ClaimRequest
from integrationbus.server.connector import Lease
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.task import MissingKeyAction, TaskActionKind, TaskState

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = {"people"}


def attempts_in_vain(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """From now on no claim succeeds; returns when each was tried."""
    tried: list[float] = []

    def fail(_lease: Lease, _request: ClaimRequest) -> Claim:
        tried.append(time.monotonic())
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(bus.store, "claim", fail)
    return tried


@SQLITE
def test_a_run_that_fails_again_and_again_is_patient_though_tasks_are_called(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupted worker looks for what is called, finds its own task, and must not wake itself by it."""
    [task_id] = bus.log(new_task({"name": "Bob", "boss_id": "nobody"}, missing_key=MissingKeyAction.WAIT))
    bus.dispatcher.tasks_logged(PEOPLE)
    assert bus.settled(task_id).state is TaskState.WAITING
    bus.rest()
    tried = attempts_in_vain(bus, monkeypatch)
    bus.act(TaskActionKind.RETRY, task_id)
    time.sleep(0.6)
    bus.workers["people"].begin_to_stop()
    # The first one at once, the second one after a second; on a machine that is busy that may have gone by.
    assert len(tried) <= 2, len(tried)


@SQLITE
def test_a_run_that_fails_again_and_again_is_patient_though_tasks_are_logged(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = attempts_in_vain(bus, monkeypatch)
    for number in range(20):
        bus.log(new_task({"name": f"p{number}"}))
        bus.dispatcher.tasks_logged(PEOPLE)
        time.sleep(0.03)
    bus.workers["people"].begin_to_stop()
    # Also where a task comes within the run that fails.
    assert len(tried) <= 2, len(tried)


@SQLITE
def test_a_run_that_fails_again_and_again_is_patient_though_others_see_its_connector_change(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every attempt changes the connector; with replicas, the own lookout sees that and pokes the worker."""
    tried = attempts_in_vain(bus, monkeypatch)
    bus.log(new_task({"name": "Ada"}))
    bus.dispatcher.tasks_logged(PEOPLE)
    changed = Tidings(
        changed=[bus.registry.get("people").id], logged=(), called=(), requested=(), cancelled=(), held=(), halted=()
    )
    for _ in range(20):
        time.sleep(0.02)
        bus.dispatcher.see(changed)
    bus.workers["people"].begin_to_stop()
    assert len(tried) <= 2, len(tried)
