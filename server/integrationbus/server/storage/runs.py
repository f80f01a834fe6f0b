"""Runs on record."""

from dataclasses import fields
from functools import cache

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from integrationbus.server.claims import NewRun
from integrationbus.server.errors import RunEnded, RunNotFound
from integrationbus.server.run import Run, RunCounts, RunState
from integrationbus.server.storage import schema
from integrationbus.server.storage.reading import read_run
from integrationbus.server.storage.statement import Statement

__all__ = ["begin_run", "connectors_with_open_runs", "count_in_run", "end_run", "insert_run", "note_cancellation"]

_run, _task, _connector = schema.run, schema.task, schema.connector


def insert_run(connection: Connection, connector_id: int, run: NewRun, now: int) -> None:
    """Put a run on record, unless it is there already."""
    values = {
        "id": run.id,
        "connector_id": connector_id,
        "trigger": run.trigger,
        "state": RunState.RUNNING,
        "requested_by": run.requested_by,
        "reason": run.reason,
        "started_at": now,
    }
    _INSERT_OR_IGNORE[connection.dialect.name].run(connection, values)


_NEW = ("id", "connector_id", "trigger", "state", "requested_by", "reason", "started_at")
_INSERT_OR_IGNORE = {
    "postgresql": Statement(postgresql_insert(_run).on_conflict_do_nothing(), _NEW),
    "sqlite": Statement(sqlite_insert(_run).on_conflict_do_nothing(), _NEW),
}


def begin_run(connection: Connection, connector_id: int, run: NewRun, now: int) -> Run:
    """See ``Store.begin_run``."""
    insert_run(connection, connector_id, run, now)
    return read_run(connection, run.id)


def count_in_run(connection: Connection, run_id: str, counts: RunCounts) -> None:
    """Add to what a run did."""
    grown = {item.name: number for item in fields(RunCounts) if (number := getattr(counts, item.name))}
    if grown:
        more = {f"more_{name}": number for name, number in grown.items()}
        _count(tuple(grown)).run(connection, {"of_run": run_id, **more})


@cache
def _count(names: tuple[str, ...]) -> Statement:
    grown = {name: _run.c[name] + bindparam(f"more_{name}") for name in names}
    return Statement(update(_run).where(_run.c.id == bindparam("of_run")).values(grown))


def note_cancellation(connection: Connection, run_id: str, *, actor: str, reason: str) -> None:
    """See ``Store.note_cancellation``."""
    state = connection.execute(select(_run.c.state).where(_run.c.id == run_id)).scalar_one_or_none()
    if state is None:
        raise RunNotFound(run_id)
    if state != RunState.RUNNING:
        raise RunEnded(f"the run has ended already: {RunState(state).name}")
    values = {"cancelled": True, "cancelled_by": actor, "cancel_reason": reason}
    connection.execute(update(_run).where(_run.c.id == run_id).values(values))


def end_run(connection: Connection, run_id: str, state: RunState, now: int) -> None:
    """Record that a run ended, unless it has ended before; a halted one keeps the id of the task that halted it."""
    statement = _END_HALTED if state is RunState.HALTED else _END
    statement.run(connection, {"of_run": run_id, "ending": state, "ended_at": now})


_HALTING = (
    select(_task.c.id)
    .join(_connector, (_connector.c.id == _task.c.connector_id) & (_connector.c.halted_sequence == _task.c.sequence))
    .where(_connector.c.id == _run.c.connector_id)
    .scalar_subquery()
)
_ENDING = (
    update(_run)
    .where(_run.c.id == bindparam("of_run"), schema.OPEN_RUN)
    .values(state=bindparam("ending"), ended_at=bindparam("ended_at"))
)
_END = Statement(_ENDING)
_END_HALTED = Statement(_ENDING.values(halted_by=func.coalesce(_HALTING, "")))


def connectors_with_open_runs(connection: Connection) -> list[str]:
    """See ``Store.abandoned``."""
    statement = select(_connector.c.name).where(_connector.c.id.in_(select(_run.c.connector_id).where(schema.OPEN_RUN)))
    return list(connection.execute(statement).scalars())
