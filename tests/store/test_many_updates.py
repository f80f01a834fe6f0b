"""Tasks that are changed many at once: by their range where they change alike, one by one where they do not."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from support.bench import Workbench, new_task

from integrationbus.server.storage import schema
from integrationbus.server.storage.task_updates import update_tasks
from integrationbus.server.task import TaskState

PENDING, RUNNING = int(TaskState.PENDING), int(TaskState.RUNNING)
TASKS = 6

Row = tuple[int, int, int, int | None]
"""A sequence, the state that the task must have, and a new position and number of an object."""


def rows(sequences: Sequence[int], positions: Sequence[int], objects: Sequence[int | None]) -> list[Row]:
    return [
        (sequence, PENDING, position, number)
        for sequence, position, number in zip(sequences, positions, objects, strict=True)
    ]


CASES: dict[str, list[Row]] = {
    "one": rows([3], [70], [5]),
    "a range": rows([2, 3, 4], [70, 71, 72], [None, None, None]),
    "a range with numbers that rise": rows([2, 3, 4], [70, 71, 72], [5, 6, 7]),
    "a range with one number": rows([2, 3, 4], [70, 70, 70], [5, 5, 5]),
    "a range with other numbers": rows([2, 3, 4], [70, 71, 72], [5, 7, 6]),
    "a range with a hole in its numbers": rows([2, 3, 4], [70, 71, 72], [5, None, 7]),
    "a gap": rows([2, 4, 5], [70, 71, 72], [5, 6, 7]),
    "the other way": rows([4, 3, 2], [70, 71, 72], [5, 6, 7]),
    "all": rows(range(1, TASKS + 1), range(70, 70 + TASKS), range(1, TASKS + 1)),
    "one that somebody moved": [(2, PENDING, 70, 5), (3, RUNNING, 71, 6), (4, PENDING, 72, 7)],
    "a range that somebody moved": [(2, RUNNING, 70, 5), (3, RUNNING, 71, 5)],
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_meant_is_changed_and_nothing_else(bus: Workbench, case: str) -> None:
    bus.log(*(new_task({}) for _ in range(TASKS)))
    connector_id = bus.store.connector("people").id
    meant = {sequence: (position, number) for sequence, state, position, number in CASES[case] if state == PENDING}
    with bus.database.write() as connection:
        kept = {sequence: (sequence, None) for sequence in range(1, TASKS + 1)}
        changed = update_tasks(connection, connector_id, ("position", "object_id"), CASES[case])
        task = schema.task.c
        found = connection.execute(select(task.sequence, task.position, task.object_id)).all()
    assert changed == len(meant)
    assert {sequence: (position, number) for sequence, position, number in found} == kept | meant
