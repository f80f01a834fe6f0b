"""How runs end that are cancelled or cut off by a stop, before they begin or while others join them."""

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.gates import Gate

from integrationbus.server.claims import NewRun
from integrationbus.server.ids import new_id
from integrationbus.server.run import NotifyOutcome, RunState, RunTrigger

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = {"people"}


def request(bus: Workbench) -> tuple[NotifyOutcome, str]:
    [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert ticket.run
    return ticket.outcome, ticket.run.id


def cancelled_in_hand(bus: Workbench, gate: Gate) -> str:
    """A run that was cancelled while its batch is in hand."""
    bus.log(new_task({"name": "Ada"}))
    _, run_id = request(bus)
    gate.wait_until_reached()
    bus.dispatcher.cancel(run_id, actor="tests", reason="")
    return run_id


def take(bus: Workbench, owner: str) -> None:
    """Another process has the connector from now on."""
    bus.store.acquire_lease("people", owner, new_id())


def test_a_run_that_the_stop_keeps_from_looking_again_is_not_complete(
    bus: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Batches have grown: the run sees at once that its task is the last one.
    bus.log(*(new_task({"name": f"p{number}"}) for number in range(20)))
    assert bus.process().counts.succeeded == 20
    gate = Gate(monkeypatch)
    bus.log(new_task({"name": "Ada"}))
    _, run_id = request(bus)
    gate.wait_until_reached()
    [late] = bus.log(new_task({"name": "Bob"}))
    assert request(bus) == (NotifyOutcome.COALESCED, run_id)
    bus.workers["people"].begin_to_stop()
    gate.open()
    bus.dispatcher.stop()
    assert bus.states([late]) == ["PENDING"]
    assert bus.store.run(run_id).state is RunState.STOPPED


def test_a_run_can_be_cancelled_before_it_begins(bus: Workbench, gate: Gate) -> None:
    first = cancelled_in_hand(bus, gate)
    [late] = bus.log(new_task({"name": "Bob"}))
    outcome, second = request(bus)
    assert outcome is NotifyOutcome.STARTED
    bus.dispatcher.cancel(second, actor="tests", reason="")
    gate.open()
    assert bus.wait_for(first).state is RunState.CANCELLED
    assert bus.wait_for(second).state is RunState.CANCELLED
    assert bus.states([late]) == ["PENDING"]


def test_a_run_that_was_cancelled_before_it_began_swallows_nothing(bus: Workbench, gate: Gate) -> None:
    first = cancelled_in_hand(bus, gate)
    _, second = request(bus)
    bus.dispatcher.cancel(second, actor="tests", reason="")
    [late] = bus.log(new_task({"name": "Bob"}))
    outcome, third = request(bus)
    assert (outcome, third not in (first, second)) == (NotifyOutcome.STARTED, True)
    assert request(bus) == (NotifyOutcome.COALESCED, third)
    gate.open()
    assert bus.wait_for(second).state is RunState.CANCELLED
    assert bus.wait_for(third).counts.succeeded == 1
    assert bus.states([late]) == ["SUCCEEDED"]


@pytest.mark.parametrize("seen_late", [False, True], ids=["before its end", "after its end"])
def test_a_request_that_a_cancelled_run_was_joined_by_does_not_begin_it_again(
    bus: Workbench, gate: Gate, *, seen_late: bool
) -> None:
    """A request joins a run, which is cancelled before the look that finds the request is seen to."""
    bus.log(new_task({"name": "Ada"}))
    _, first = request(bus)
    gate.wait_until_reached()
    [late] = bus.log(new_task({"name": "Bob"}))
    outcome, joined = bus.store.leave_request(
        bus.registry.get("people").id, NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)
    )
    assert (outcome, joined.id) == (NotifyOutcome.COALESCED, first)
    stale = bus.tidings()
    bus.dispatcher.cancel(first, actor="tests", reason="")
    if not seen_late:
        bus.dispatcher.see(stale)
    gate.open()
    assert bus.wait_for(first).state is RunState.CANCELLED
    if seen_late:
        bus.rest()
        bus.dispatcher.see(stale)
    bus.rest()
    assert bus.states([late]) == ["PENDING"], "the next trigger starts another one"


def test_a_run_that_the_stop_keeps_from_beginning_goes_on_elsewhere_under_its_id(bus: Workbench, gate: Gate) -> None:
    cancelled_in_hand(bus, gate)
    outcome, second = request(bus)
    assert outcome is NotifyOutcome.STARTED
    bus.workers["people"].begin_to_stop()
    gate.open()
    bus.dispatcher.stop()
    take(bus, "somebody")
    assert bus.store.run(second).state is RunState.RUNNING, "nothing was interrupted"


@SQLITE
def test_a_run_that_the_stop_kept_from_beginning_is_begun_by_the_next_start(
    database_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    with Workbench(database_url, clock) as bus:
        cancelled_in_hand(bus, gate)
        _, second = request(bus)
        bus.workers["people"].begin_to_stop()
        gate.open()
    with Workbench(database_url, clock) as bus:
        bus.dispatcher.adopt(PEOPLE)
        assert bus.wait_for(second).state is RunState.COMPLETED
