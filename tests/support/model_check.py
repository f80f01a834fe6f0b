"""How a real bus is compared with a model of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from integrationbus.server.task import Task, TaskState
from support.bench import Workbench
from support.line_model import ModelTask
from support.queue_model import QueueModel

__all__ = ["BEGINNING", "differences", "ends_of_records"]

BEGINNING = datetime.fromisoformat("2026-01-01T00:00Z")
"""What a manual clock says at first."""


def differences(bus: Workbench, model: QueueModel, ids: Mapping[str, Sequence[str]]) -> list[str]:
    """Where the bus stands elsewhere than the model says: its runs, tasks, numbers, halts and persons."""
    found: list[str] = []
    for line in model.lines.values():
        record = bus.store.connector(line.name)
        if bus.workers[line.name].is_running is not (line.run is not None):
            found.append(f"{line.name}: the model has {line.run}")
        halted_by = ids[line.name][line.halted.sequence - 1] if line.halted else ""
        if record.halted_by != halted_by:
            found.append(f"{line.name}: halted by {record.halted_by!r}, in the model by {line.halted}")
        counted = {state: getattr(record.counts, state.name.lower()) for state in TaskState}
        numbers = Counter(task.state for task in line.tasks)
        if counted != {state: numbers[state.name] for state in TaskState}:
            found.append(f"{line.name}: counted are {counted}, in the model {numbers}")
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
            task = tasks.pop(ids[line.name][expected.sequence - 1], None)
            behind = expected.behind and ids[line.name][expected.behind.sequence - 1]
            found = None if task is None else _of_task(bus, task)
            if found != (said := _of_model(expected, behind or "")):
                yield f"{line.name} {expected.sequence}: {found}, in the model {said}"
    for task in tasks.values():
        yield f"{task.connector} {task.sequence}: {_of_task(bus, task)}, in the model it is gone"


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


def ends_of_records(bus: Workbench, names: Iterable[str]) -> dict[tuple[str, str | int], datetime | None]:
    """When each run ended, by its id, and each change happened, by its position. None is for runs in progress."""
    found: dict[tuple[str, str | int], datetime | None] = {}
    for name in names:
        connector_id = bus.store.connector(name).id
        found |= {(name, run.id): run.ended_at for run in bus.store.runs(connector_id, before=None, limit=100_000)}
        events = bus.store.events(connector_id, after_position=0, limit=100_000).events
        found |= {(name, event.position): event.occurred_at for event in events}
    return found
