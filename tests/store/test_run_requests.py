"""Runs that one process is asked for and another one carries out."""

from support.bench import Workbench

from integrationbus.server.claims import NewRun
from integrationbus.server.ids import new_id
from integrationbus.server.run import NotifyOutcome, RunState, RunTrigger


def run(*, called_only: bool = False) -> NewRun:
    return NewRun(id=new_id(), trigger=RunTrigger.NOTIFY, requested_by="tests", called_only=called_only)


def leave(bus: Workbench, wanted: NewRun) -> tuple[NotifyOutcome, str]:
    outcome, left = bus.store.leave_request(bus.store.connector("people").id, wanted)
    assert left.state is RunState.RUNNING
    return outcome, left.id


def left(bus: Workbench) -> list[tuple[str, int, bool]]:
    return [(each.run.id, each.number, each.run.called_only) for each in bus.store.news().requested]


def test_a_request_joins_the_run_in_progress_and_keeps_it_from_ending_unseen(bus: Workbench) -> None:
    going, late = run(), run()
    bus.store.begin_run(bus.store.connector("people").id, going)
    assert leave(bus, late) == (NotifyOutcome.COALESCED, going.id)
    again = bus.store.end_run(going.id, RunState.COMPLETED)
    assert again
    assert (again.run.id, again.number) == (going.id, 1)
    assert bus.store.run(going.id).state is RunState.RUNNING
    assert bus.store.end_run(going.id, RunState.COMPLETED, seen=1) is None
    assert bus.store.run(going.id).state is RunState.COMPLETED
    assert left(bus) == []


def test_a_request_without_a_run_to_join_is_on_record_and_others_join_it(bus: Workbench) -> None:
    first, second = run(called_only=True), run()
    assert leave(bus, first) == (NotifyOutcome.STARTED, first.id)
    assert left(bus) == [(first.id, 1, True)]
    assert leave(bus, second) == (NotifyOutcome.COALESCED, first.id)
    assert left(bus) == [(first.id, 2, False)], "the second one wants the whole line"
    assert bus.store.run(first.id).requested_by == "tests"


def test_a_request_survives_whoever_was_to_carry_it_out(bus: Workbench) -> None:
    wanted = run()
    leave(bus, wanted)
    bus.store.acquire_lease("people", "somebody", new_id())
    assert bus.store.run(wanted.id).state is RunState.RUNNING
    assert left(bus) == [(wanted.id, 1, False)]


def test_a_run_that_was_cancelled_does_not_swallow_what_is_asked_for_afterwards(bus: Workbench) -> None:
    going, late = run(), run()
    bus.store.begin_run(bus.store.connector("people").id, going)
    bus.store.note_cancellation(going.id, actor="", reason="")
    assert bus.store.news().cancelled == [going.id]
    assert leave(bus, late) == (NotifyOutcome.STARTED, late.id)
    assert bus.store.end_run(going.id, RunState.CANCELLED) is None
    assert bus.store.news().cancelled == []
    assert left(bus) == [(late.id, 1, False)]


def test_a_request_that_was_cancelled_does_not_swallow_what_is_asked_for_afterwards(bus: Workbench) -> None:
    """Nobody has begun it, and nobody ever will."""
    first, late = run(), run()
    leave(bus, first)
    bus.store.note_cancellation(first.id, actor="", reason="")
    assert leave(bus, late) == (NotifyOutcome.STARTED, late.id)
    assert left(bus) == [(late.id, 1, False)]
    assert bus.store.end_run(late.id, RunState.COMPLETED, seen=1) is None
    assert bus.store.run(first.id).state is RunState.CANCELLED


def test_a_run_that_was_lost_goes_on_while_it_is_requested(bus: Workbench) -> None:
    wanted = run()
    leave(bus, wanted)
    kept = bus.store.end_run(wanted.id, RunState.INTERRUPTED, seen=1, lost=True)
    assert kept
    assert left(bus) == [(wanted.id, 1, False)]
    assert bus.store.run(wanted.id).state is RunState.RUNNING


def test_an_interrupted_run_ends_and_says_what_was_asked_for_meanwhile(bus: Workbench) -> None:
    going = run(called_only=True)
    bus.store.begin_run(bus.store.connector("people").id, going)
    leave(bus, run())
    joined = bus.store.end_run(going.id, RunState.INTERRUPTED)
    assert joined
    assert not joined.run.called_only
    assert bus.store.run(going.id).state is RunState.INTERRUPTED
    assert left(bus) == []


def test_a_worker_carries_out_what_was_left_and_ends_it_once(bus: Workbench) -> None:
    wanted = run()
    leave(bus, wanted)
    [request] = bus.store.news().requested
    for _ in range(3):
        bus.workers["people"].trigger_requested(request)
    assert bus.wait_for(wanted.id).state is RunState.COMPLETED
    assert left(bus) == []
    assert len(bus.store.runs(None, before=None, limit=9)) == 1
