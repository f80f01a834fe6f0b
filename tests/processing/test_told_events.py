"""What watchers are told of a commit is what the table of events says of it."""

from datetime import timedelta
from operator import attrgetter

from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.task import MissingKeyAction, ProcessType, TaskActionKind, TaskState
from integrationbus.server.task_events import TaskEvent


def test_what_is_told_is_what_is_on_record(bus: Workbench, clock: ManualClock) -> None:
    """For every way in which a claim and a settlement change tasks."""
    held = new_task({"name": "Eve", "boss_id": "late"}, external_id="e", missing_key=MissingKeyAction.WAIT)
    behind = new_task({"name": "Eve", "age": 1}, external_id="e")
    failing = new_task({"name": "bad", "age": "x"}, process_type=ProcessType.SKIP_ON_ERROR)
    in_vain = new_task(
        {"name": "no", "boss_id": "never"}, missing_key=MissingKeyAction.WAIT, wait_limit=timedelta(hours=1)
    )
    bus.log(
        new_task({"name": "Ada"}, external_id="a"),
        new_task({"name": "Ada", "age": 3}, external_id="a"),
        new_task({"name": "Bob"}, process_type=ProcessType.SKIP_ONCE),
        new_task({"name": "bad", "age": "x"}, process_type=ProcessType.DELETE_ON_ERROR),
        *(held, behind, failing, in_vain),
    )
    bus.process()
    bus.log(new_task({"name": "Late"}, external_id="late"))
    bus.process()
    bus.act(TaskActionKind.RETRY, failing.id)
    clock.advance(timedelta(hours=2))
    bus.process()
    on_record = bus.store.events(bus.store.connector("people").id, after_position=0, limit=100).events
    told = sorted(bus.told, key=attrgetter("position"))
    by_an_operator = {event.position for event in on_record} - {event.position for event in told}
    assert len(by_an_operator) == 1
    assert told == [event for event in on_record if event.position not in by_an_operator]
    assert {TaskState.WAITING, TaskState.FAILED, TaskState.DELETED, TaskState.SKIPPED} <= states_of(told)
    assert sum(event.state is TaskState.SUCCEEDED for event in told) >= 5
    assert any(event.error for event in told)
    assert any(event.result for event in told)


def states_of(events: list[TaskEvent]) -> set[TaskState]:
    return {event.state for event in events}
