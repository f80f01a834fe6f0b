"""Runs that are left for whoever processes a connector.

A request and the end of a run take the lease row of the connector: either the run sees the request before it ends, and
looks at the line again, or the request finds no run to join. The request goes with the run that it asked for, so one
that nobody has carried out survives every crash.
"""

from dataclasses import replace

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from integrationbus.server.claims import NewRun
from integrationbus.server.ids import new_id
from integrationbus.server.replica import RequestedRun
from integrationbus.server.run import NotifyOutcome, Run, RunState, RunTrigger
from integrationbus.server.storage import schema
from integrationbus.server.storage.reading import read_run
from integrationbus.server.storage.runs import begin_run, end_run, insert_run
from integrationbus.server.storage.statement import Statement

__all__ = ["end_unless_requested", "leave_request", "list_requests"]

_request, _lease, _run, _connector = schema.run_request, schema.lease, schema.run, schema.connector


def leave_request(connection: Connection, connector_id: int, run: NewRun, now: int) -> tuple[NotifyOutcome, Run]:
    """See ``Store.leave_request``."""
    if connection.dialect.name == "postgresql":
        _TURN.run(connection, {"connector": connector_id})
    left = connection.execute(
        select(_request, _run.c.cancelled)
        .join(_run, _run.c.id == _request.c.run_id)
        .where(_request.c.connector_id == connector_id)
    ).one_or_none()
    if left is not None and not left.cancelled:
        both = left.called_only and run.called_only
        same = update(_request).where(_request.c.connector_id == connector_id)
        connection.execute(same.values(called_only=both, number=left.number + 1))
        return NotifyOutcome.COALESCED, read_run(connection, left.run_id)
    # A run that was cancelled must not swallow what is asked for afterwards.
    open_runs = select(_run.c.id).where(
        _run.c.connector_id == connector_id, schema.OPEN_RUN, _run.c.cancelled.is_(False)
    )
    joined = connection.execute(open_runs.order_by(_run.c.id.desc()).limit(1)).scalar_one_or_none()
    if joined is None:
        run = _on_record(connection, connector_id, run, now)
    values = {
        "connector_id": connector_id,
        "run_id": joined or run.id,
        "trigger": run.trigger,
        "requested_by": run.requested_by,
        "reason": run.reason,
        "called_only": run.called_only,
        "number": 1,
    }
    # What a cancelled run was asked for goes with it.
    connection.execute(delete(_request).where(_request.c.connector_id == connector_id))
    connection.execute(insert(_request).values(values))
    return (NotifyOutcome.COALESCED if joined else NotifyOutcome.STARTED), read_run(connection, joined or run.id)


def _on_record(connection: Connection, connector_id: int, run: NewRun, now: int) -> NewRun:
    """Put a run on record. One that has ended meanwhile, where it was left before, is not asked for again by its id."""
    if begin_run(connection, connector_id, run, now).state is not RunState.RUNNING:
        run = replace(run, id=new_id())
        insert_run(connection, connector_id, run, now)
    return run


def list_requests(connection: Connection, run_id: str = "") -> list[RequestedRun]:
    """Everything that is left to be carried out, or being carried out; for one run, if it is given."""
    rows = _OF_RUN.rows(connection, {"run": run_id}) if run_id else _ALL.rows(connection, {})
    return [
        RequestedRun(
            connector=connector,
            run=NewRun(
                id=requested_id,
                trigger=RunTrigger(trigger),
                requested_by=requested_by,
                reason=reason,
                called_only=called_only,
            ),
            number=number,
        )
        for connector, requested_id, trigger, requested_by, reason, called_only, number in rows
    ]


_REQUESTED = select(
    _connector.c.name,
    _request.c.run_id,
    _request.c.trigger,
    _request.c.requested_by,
    _request.c.reason,
    _request.c.called_only,
    _request.c.number,
).join(_connector, _connector.c.id == _request.c.connector_id)
_ALL = Statement(_REQUESTED)
_OF_RUN = Statement(_REQUESTED.where(_request.c.run_id == bindparam("run")))


def end_unless_requested(
    connection: Connection, run_id: str, state: RunState, seen: int, now: int, *, lost: bool
) -> RequestedRun | None:
    """See ``Store.end_run``."""
    if connection.dialect.name == "postgresql":
        _TURN_OF_RUN.run(connection, {"run": run_id})
    request = next(iter(list_requests(connection, run_id)), None)
    newer = request if request is not None and request.number > seen else None
    if lost and request is not None:
        return request
    if state in (RunState.INTERRUPTED, RunState.CANCELLED) or newer is None:
        if request is not None:
            connection.execute(delete(_request).where(_request.c.run_id == run_id))
        end_run(connection, run_id, state, now)
        if state is not RunState.INTERRUPTED:
            _end_cancelled(connection, run_id, now)
    return newer


def _end_cancelled(connection: Connection, run_id: str, now: int) -> None:
    """End the earlier runs of the same connector that were cancelled before anybody began them."""
    _END_CANCELLED.run(connection, {"of_run": run_id, "ended_at": now})


_RUN = _run.alias()
_END_CANCELLED = Statement(
    update(_run)
    .where(
        _run.c.connector_id == select(_RUN.c.connector_id).where(_RUN.c.id == bindparam("of_run")).scalar_subquery(),
        schema.OPEN_RUN,
        _run.c.id < bindparam("of_run"),
        _run.c.cancelled,
    )
    .values(state=RunState.CANCELLED, ended_at=bindparam("ended_at"))
)

# Whoever comes second sees what the first one did. SQLite has one writer anyway.
_LEASE = select(_lease.c.connector_id).with_for_update()
_TURN = Statement(_LEASE.where(_lease.c.connector_id == bindparam("connector")))
_TURN_OF_RUN = Statement(
    _LEASE.where(
        _lease.c.connector_id == select(_run.c.connector_id).where(_run.c.id == bindparam("run")).scalar_subquery()
    )
)
