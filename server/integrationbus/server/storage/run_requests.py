"""Runs that are left for whoever processes a connector.

A request and the end of a run take the lease row of the connector: either the run sees the request before it ends, and
looks at the line again, or the request finds no run to join. The request goes with the run that it asked for, so one
that nobody has carried out survives every crash.
"""

from sqlalchemy import Connection, ScalarSelect, bindparam, delete, insert, select, update

from integrationbus.server.claims import NewRun
from integrationbus.server.replica import RequestedRun
from integrationbus.server.run import NotifyOutcome, Run, RunState, RunTrigger
from integrationbus.server.storage import schema
from integrationbus.server.storage.reading import read_run
from integrationbus.server.storage.runs import end_run, insert_run

__all__ = ["end_unless_requested", "leave_request", "list_requests"]

_request, _lease, _run, _connector = schema.run_request, schema.lease, schema.run, schema.connector


def leave_request(connection: Connection, connector_id: int, run: NewRun, now: int) -> tuple[NotifyOutcome, Run]:
    """See ``Store.leave_request``."""
    _take_turn(connection, connector_id)
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
        _run.c.connector_id == connector_id, _run.c.state == RunState.RUNNING, _run.c.cancelled.is_(False)
    )
    joined = connection.execute(open_runs.order_by(_run.c.id.desc()).limit(1)).scalar_one_or_none()
    if joined is None:
        insert_run(connection, connector_id, run, now)
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


def list_requests(connection: Connection, run_id: str = "") -> list[RequestedRun]:
    """Everything that is left to be carried out, or being carried out; for one run, if it is given."""
    rows = connection.execute(_OF_RUN, {"run": run_id}) if run_id else connection.execute(_ALL)
    return [
        RequestedRun(
            connector=row.name,
            run=NewRun(
                id=row.run_id,
                trigger=RunTrigger(row.trigger),
                requested_by=row.requested_by,
                reason=row.reason,
                called_only=row.called_only,
            ),
            number=row.number,
        )
        for row in rows
    ]


_ALL = select(_request, _connector.c.name).join(_connector, _connector.c.id == _request.c.connector_id)
_OF_RUN = _ALL.where(_request.c.run_id == bindparam("run"))


def end_unless_requested(
    connection: Connection, run_id: str, state: RunState, seen: int, now: int, *, lost: bool
) -> RequestedRun | None:
    """See ``Store.end_run``."""
    _take_turn(connection, select(_run.c.connector_id).where(_run.c.id == run_id).scalar_subquery())
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
    connection.execute(_END_CANCELLED, {"of_run": run_id, "state": RunState.CANCELLED, "ended_at": now})


_RUN = _run.alias()
_END_CANCELLED = update(_run).where(
    _run.c.connector_id == select(_RUN.c.connector_id).where(_RUN.c.id == bindparam("of_run")).scalar_subquery(),
    _run.c.state == RunState.RUNNING,
    _run.c.id < bindparam("of_run"),
    _run.c.cancelled,
)


def _take_turn(connection: Connection, connector_id: int | ScalarSelect[int]) -> None:
    """Whoever comes second sees what the first one did. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        statement = select(_lease.c.connector_id).where(_lease.c.connector_id == connector_id)
        connection.execute(statement.with_for_update())
