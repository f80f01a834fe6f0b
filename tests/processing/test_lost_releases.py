"""A release whose outcome nobody knows: what it set free goes on, without another trigger."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.connector import HeadAction
from integrationbus.server.errors import OutcomeUnknown
from integrationbus.server.switches import Switch
from integrationbus.server.task import TaskActionKind


@pytest.fixture
def bus(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus whose connector is halted by a task, with another task behind it."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bench:
        yield bench


def lose_the_answer_of(bus: Workbench, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next call of a method of the store does what it should, and says that nobody knows."""
    real: Callable[..., object] = getattr(bus.store, method)

    def lost(*arguments: object, **options: object) -> None:
        monkeypatch.setattr(bus.store, method, real)
        real(*arguments, **options)
        raise OutcomeUnknown("the commit was done, its answer did not come")

    monkeypatch.setattr(bus.store, method, lost)


def halted(bus: Workbench) -> tuple[str, str]:
    """The task that halts the connector, and the one behind it."""
    first, second = bus.log(new_task({"do": "raise"}), new_task({"name": "p1"}))
    bus.process()
    assert bus.states([first, second]) == ["FAILED", "PENDING"]
    return first, second


@pytest.mark.parametrize("method", ["clear_halt", "set_paused"])
def test_a_connector_that_was_resumed_goes_on(bus: Workbench, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    _, second = halted(bus)
    lose_the_answer_of(bus, method, monkeypatch)
    with pytest.raises(OutcomeUnknown):
        bus.dispatcher.resume("people", HeadAction.SKIP, actor="tests", reason="")
    assert bus.settled(second).state.name == "SUCCEEDED"


def test_a_notify_that_clears_a_halt_goes_on(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = halted(bus)
    lose_the_answer_of(bus, "clear_halt", monkeypatch)
    with pytest.raises(OutcomeUnknown):
        bus.process(clear_halt=True)
    bus.wait_until(lambda: bus.task(first).attempt_count, lambda count: count == 2)


def test_a_task_that_was_skipped_releases_the_line(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = halted(bus)
    lose_the_answer_of(bus, "act_on", monkeypatch)
    with pytest.raises(OutcomeUnknown):
        bus.act(TaskActionKind.SKIP, first)
    assert bus.settled(second).state.name == "SUCCEEDED"


def test_what_was_switched_on_goes_on(bus: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bus.dispatcher.set_switch(Switch.PROCESSING, on=False, actor="tests", reason="")
    [task] = bus.log(new_task({"name": "p1"}))
    bus.dispatcher.set_enabled("people", enabled=False, actor="tests", reason="")
    lose_the_answer_of(bus, "set_switch", monkeypatch)
    with pytest.raises(OutcomeUnknown):
        bus.dispatcher.set_switch(Switch.PROCESSING, on=True, actor="tests", reason="")
    assert bus.states([task]) == ["PENDING"]
    lose_the_answer_of(bus, "set_enabled", monkeypatch)
    with pytest.raises(OutcomeUnknown):
        bus.dispatcher.set_enabled("people", enabled=True, actor="tests", reason="")
    assert bus.settled(task).state.name == "SUCCEEDED"
