"""How a real bus is compared with a model of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from integrationbus.server.storage import schema
from integrationbus.server.task import TRANSITIONS, Task, TaskState
from support.bench import Workbench
from support.line_model import LineModel, ModelTask
from support.queue_model import QueueModel

__all__ = ["BEGINNING", "check_books", "differences"]

BEGINNING = datetime.fromisoformat("2026-01-01T00:00Z")
"""What a manual clock says at first."""


def differences(bus: Workbench, model: QueueModel, ids: Mapping[str, Sequence[str]]) -> list[str]:
    """Where the bus stands elsewhere than the model says: its runs, tasks, halts and persons."""
    found: list[str] = []
    for line in model.lines.values():
        record = bus.store.connector(line.name)
        if bus.workers[line.name].is_running is not (line.run is not None):
            found.append(f"{line.name}: the model has {line.run}")
        halted_by = ids[line.name][line.halted.sequence - 1] if line.halted else ""
        if record.halted_by != halted_by:
            found.append(f"{line.name}: halted by {record.halted_by!r}, in the model by {line.halted}")
    found += _task_differences(bus, model, ids)
    persons = {
        f"p{number}": (person.age, None if person.boss is None else f"p{person.boss}")
        for number, person in model.persons.items()
    }
    if _persons(bus) != persons:
        found.append(f"persons are {_persons(bus)}, in the model {persons}")
    return found


def _task_differences(bus: Workbench, model: QueueModel, ids: Mapping[str, Sequence[str]]) -> Iterator[str]:
    tasks = {task.id: task for task in bus.all_tasks()}
    for line in model.lines.values():
        for expected in line.tasks:
            task = tasks[ids[line.name][expected.sequence - 1]]
            behind = expected.behind and ids[line.name][expected.behind.sequence - 1]
            if _of_task(bus, task) != (said := _of_model(expected, behind or "")):
                yield f"{line.name} {expected.sequence}: {_of_task(bus, task)}, in the model {said}"


def _of_task(bus: Workbench, task: Task) -> tuple[object, ...]:
    waits = task.state is TaskState.WAITING
    # What a task waits for is only told to those who read it alone.
    behind = [key.behind for key in bus.task(task.id).waiting_for if key.behind] if waits else []
    return (
        task.state.name,
        task.in_line,
        task.passed_over,
        task.turn.name,
        task.attempt_count,
        task.failure_count,
        task.next_attempt_at,
        task.wait_deadline if waits else None,
        "".join(behind),
    )


def _of_model(task: ModelTask, behind: str) -> tuple[object, ...]:
    return (
        task.state,
        task.in_line,
        task.passed_over,
        task.turn,
        task.attempts,
        task.failures,
        _time(task.due),
        _time(task.deadline) if task.state == "WAITING" else None,
        behind,
    )


def _time(minutes: int | None) -> datetime | None:
    return None if minutes is None else BEGINNING + timedelta(minutes=minutes)


def _persons(bus: Workbench) -> dict[str, tuple[object, str | None]]:
    views = bus.objects.list("test.person", after_id=0, limit=100)
    names = {view.id: view.code_name for view in views}
    return {view.code_name: (view.fields["age"], names.get(view.fields["boss_id"])) for view in views}  # type: ignore[call-overload] # an id


def check_books(bus: Workbench, model: QueueModel) -> None:
    """What is counted, and put on record along with the tasks, is in order."""
    for line in model.lines.values():
        _check_line(bus, line)
    waiting = {(line.name, task.sequence) for line in model.lines.values() for task in line.waiting()}
    names = {bus.store.connector(name).id: name for name in model.lines}
    with bus.database.read() as connection:
        for table in (schema.task_wait, schema.task_subject):
            rows = connection.execute(select(table.c.connector_id, table.c.sequence))
            assert {(names[row.connector_id], row.sequence) for row in rows} == waiting
        still_open = select(func.count()).where(schema.task_attempt.c.outcome.is_(None))
        assert connection.execute(still_open).scalar_one() == 0


def _check_line(bus: Workbench, line: LineModel) -> None:
    record = bus.store.connector(line.name)
    counted = Counter(task.state for task in line.tasks)
    assert {state.name: getattr(record.counts, state.name.lower()) for state in TaskState} == {
        state.name: counted[state.name] for state in TaskState
    }
    events = bus.store.events(record.id, after_position=0, limit=100_000).events
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    last: dict[int, TaskState] = {}
    for event in events:
        assert event.previous_state == last.get(event.sequence)
        assert event.previous_state is None or event.state in TRANSITIONS[event.previous_state]
        last[event.sequence] = event.state
