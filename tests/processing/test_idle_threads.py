"""The thread of a connector ends when nothing was asked of it for a while; another one takes up what comes later."""

import threading

import pytest
from support.bench import Workbench, new_task

from integrationbus.server.processing import worker
from integrationbus.server.task import TaskState


def idle_out() -> None:
    """Wait for the end of the connector's thread."""
    for thread in threading.enumerate():
        if thread.name == "connector people":
            thread.join(10)
            assert not thread.is_alive()


def test_an_idle_thread_ends_and_the_next_run_has_another(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_IDLE_SECONDS", 0.01)
    for name in ("Ada", "Bob"):
        task = new_task({"name": name})
        bus.log(task)
        bus.process()
        assert bus.task(task.id).state is TaskState.SUCCEEDED
        idle_out()
    assert bus.workers["people"].give_back(), "the connector is still held, and can be given back"


def test_no_wake_up_is_lost_between_one_thread_and_the_next(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_IDLE_SECONDS", 0.0)
    for number in range(60):
        bus.log(new_task({"name": f"person {number}"}))
        bus.dispatcher.request_runs(["people"], clear_halt=False, actor="", reason="")
    bus.wait_until(lambda: bus.store.connector("people").counts, lambda counts: counts.succeeded == 60)
