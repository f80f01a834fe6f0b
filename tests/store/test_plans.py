"""How the databases find what they are asked for, when there is much of everything."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Table, event, insert, update
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.ids import new_id
from integrationbus.server.log_entries import LogEntry, RequestKey
from integrationbus.server.run import RunState
from integrationbus.server.storage import driver, schema
from integrationbus.server.task import (
    AttemptOutcome,
    MissingKeyAction,
    ProcessType,
    TaskActionKind,
    TaskEffect,
    TaskState,
    Turn,
)
from integrationbus.server.task_queries import TaskQuery

MANY = 5000

# The tables that grow; the others stay small however long the bus works.
GROWING = {
    schema.task,
    schema.task_event,
    schema.task_attempt,
    schema.task_wait,
    schema.task_subject,
    schema.applied,
    schema.request,
    schema.run,
    schema.log_stream,
    schema.key_map,
}


def old_row(table: Table, connector_id: int, number: int) -> dict[str, Any]:
    """A row about a task that was applied long ago; what is not said is empty."""
    known: dict[str, Any] = {
        "connector_id": connector_id,
        "sequence": number,
        "position": number,
        "number": 1,
        "id": f"old-{number}",
        "state": TaskState.SUCCEEDED,
        "in_line": False,
        "turn": Turn.IN_PLACE,
        "effect": TaskEffect.CREATED,
        "outcome": AttemptOutcome.SUCCEEDED,
        "payload": b"x" * 100,
        "external_id": f"old-{number}",
        "object_type": "test.person",
        "name": f"name-{number}",
        "request_id": f"request-{number}",
        "stream_id": f"stream-{number}",
        "receipt": "[]",
        "rejections": "[]",
    }
    if table is schema.run:
        known["state"] = RunState.COMPLETED
    empty: dict[type, Any] = {bool: False, int: 1, str: "", bytes: b""}
    return {
        column.name: known.get(column.name, empty[column.type.python_type])
        for column in table.columns
        if column.name in known or not column.nullable or column.name == "ended_at"
    }


def fill(bus: Workbench, *, after: int = 0, analyze: bool = True) -> None:
    """Give the bus a long history ``after`` this number, of which the database knows if it is told to ``analyze``."""
    connector_id = bus.store.connector("people").id
    with bus.database.write() as connection:
        for table in schema.metadata.sorted_tables:
            if table in GROWING:
                numbers = range(after + 1, after + 1 + MANY)
                connection.execute(insert(table), [old_row(table, connector_id, number) for number in numbers])
        newest = {"last_sequence": after + MANY, "last_position": after + MANY}
        connection.execute(update(schema.connector_head).values(newest))
        if analyze and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def recorded() -> Iterator[dict[str, Any]]:
    """Every statement that is executed from now on, with the values of its first execution."""
    statements: dict[str, Any] = {}

    def note(_1: object, _2: object, statement: str, values: Any, _3: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            statements.setdefault(statement, values[0] if many else values)

    def noted(execute: Callable[..., Any], *, many: bool) -> Callable[..., Any]:
        def noting(connection: Connection, statement: str, values: Any = (), **how: Any) -> Any:
            note(connection, None, statement, values, None, many)
            return execute(connection, statement, values, **how)

        return noting

    event.listen(Engine, "before_cursor_execute", note)
    # What goes past SQLAlchemy goes past its events.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "execute", noted(driver.execute, many=False))
        patch.setattr(driver, "execute_many", noted(driver.execute_many, many=True))
        yield statements
    event.remove(Engine, "before_cursor_execute", note)


def everyday(bus: Workbench, clock: ManualClock) -> None:
    """What a bus does all day."""
    request = RequestKey(creator="", request_id="request-7", body_digest=b"")
    bus.store.append([LogEntry(tasks=[new_task({})], request=request)])
    ids = bus.log(*(new_task({"name": f"p{number}"}, external_id=f"e{number}") for number in range(30)))
    held = new_task({"name": "held", "boss_id": "b"}, missing_key=MissingKeyAction.WAIT, wait_limit=timedelta(hours=1))
    behind = new_task({"name": "held", "age": 1, "boss_id": "b"}, missing_key=MissingKeyAction.WAIT)
    ids += bus.log(held, behind, new_task({"name": "bad", "age": "x"}, process_type=ProcessType.SKIP_ON_ERROR))
    bus.process()
    bus.store.abandoned()
    bus.store.called()
    connector = bus.store.connector("people")
    assert bus.store.next_deadline(connector.id)
    bus.act(TaskActionKind.RETRY, ids[-1])
    bus.act(TaskActionKind.DELETE, held.id)
    bus.store.oldest_waiting(connector.id)
    bus.store.attempts(ids[0])
    bus.store.task("old-7", with_payload=True)
    bus.store.events(connector.id, after_position=MANY // 2, limit=100)
    bus.store.stream_standing("", "stream-7")
    bus.store.runs(connector.id, before=None, limit=10)
    bus.store.runs(None, before=new_id(), limit=10)
    bus.store.tasks(
        TaskQuery(task_ids=["old-1", "old-2"]), after=None, limit=20, with_payload=False, newest_first=False
    )
    for newest_first in (False, True):
        for query in (TaskQuery(), TaskQuery(connector_ids=[connector.id])):
            after = (connector.id, MANY // 2)
            bus.store.tasks(query, after=None, limit=20, with_payload=False, newest_first=newest_first)
            bus.store.tasks(query, after=after, limit=20, with_payload=False, newest_first=newest_first)
    clock.advance(timedelta(hours=2))
    bus.process()


def rows_read(connection: Connection, statement: str, values: Any) -> int:
    """How many rows PostgreSQL looks at for a statement, those that do not fit among them."""
    [plan] = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalar_one()
    steps, rows = [plan["Plan"]], 0
    while steps:
        step = steps.pop()
        steps += step.get("Plans", [])
        found = step["Actual Rows"] + sum(number for name, number in step.items() if name.startswith("Rows Removed"))
        rows += round(found * step["Actual Loops"])
    return rows


def reads_all(connection: Connection, statement: str, values: Any) -> bool:
    """Whether SQLite reads the whole history of a connector, or of all of them, to find a few rows of it."""
    plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    names = "|".join(table.name for table in GROWING)
    # What is scanned with an index is read in the order of the index, or is a part of the table.
    scanned = rf"SCAN ({names})\b(?!.* USING )"
    searched = (
        rf"SEARCH ({names}) USING .*(INDEX (sqlite_autoindex|ix_\w+_connector_id)\w*|PRIMARY KEY) \(connector_id=\?\)"
    )
    return any(re.match(scanned, step) or ("LIMIT" not in statement and re.match(searched, step)) for step in plan)


def test_each_part_of_the_line_has_its_index(tmp_path: Path, clock: ManualClock) -> None:
    """PostgreSQL decides by what is in the tables; SQLite by the words alone, whatever is in them."""
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock) as bus:
        with recorded() as statements:
            bus.log(new_task({"name": "Ada", "boss_id": "b"}, missing_key=MissingKeyAction.WAIT))
            bus.process()
            bus.log(new_task({"name": "Bob"}, external_id="b"))
            bus.process()
        with bus.database.read() as connection:
            plans = {
                statement: str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all())
                for statement, values in statements.items()
            }
    parts = [
        (" AS called", "ix_task_turn"),
        ("task.turn >= ?", "ix_task_turn"),
        ("AND task.sequence > ?", "ix_task_line"),
    ]
    for condition, index in parts:
        [plan] = [plan for statement, plan in plans.items() if condition in statement]
        assert index in plan
        assert "TEMP B-TREE" not in plan


def test_no_everyday_statement_reads_all_of_a_long_history(bus: Workbench, clock: ManualClock) -> None:
    fill(bus)
    with recorded() as statements:
        everyday(bus, clock)
    assert len(statements) > 40
    with bus.database.write() as connection:
        wasteful = [
            statement
            for statement, values in statements.items()
            # What asks for any row, in no order, ends at the first one.
            if ("WHERE" in statement or "ORDER BY" in statement)
            and (
                reads_all(connection, statement, values)
                if bus.store.database_kind == "sqlite"
                else rows_read(connection, statement, values) > MANY / 2
            )
        ]
        connection.rollback()
    assert wasteful == [], "\n\n".join(wasteful)


def test_a_plan_that_was_made_for_small_tables_suits_large_ones(postgres_url: str, clock: ManualClock) -> None:
    """A session keeps its plans until the statistics change, which may be a minute after a backlog came."""
    with Workbench(postgres_url, clock) as bus:
        work(bus)
        with bus.database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
        work(bus)
        fill(bus, after=MANY, analyze=False)
        before = rows_seen(bus)
        work(bus)
        assert rows_seen(bus) - before < MANY / 2


def work(bus: Workbench) -> None:
    """Log some tasks, alone and many at once, of which some wait; and process them."""
    tasks = [new_task({"name": f"{new_id()}"}, external_id=new_id()) for _ in range(20)]
    held = new_task({"name": new_id(), "boss_id": "nobody"}, missing_key=MissingKeyAction.WAIT)
    for some in (tasks[:1], tasks[1:], [held]):
        bus.log(*some)
        assert bus.process().state is RunState.COMPLETED
    bus.act(TaskActionKind.DELETE, held.id)


def rows_seen(bus: Workbench) -> int:
    """How many rows all statements so far have looked at."""
    with bus.database.write() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    question = "SELECT sum(seq_tup_read) + sum(coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
    with bus.database.read() as connection:
        return int(connection.exec_driver_sql(question).scalar_one())
