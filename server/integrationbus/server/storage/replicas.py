"""Replicas on record: who is there, who holds what, and what they leave for one another."""

import json

from sqlalchemy import Connection, delete, exists, insert, or_, select, update

from integrationbus.server.clock import from_micros
from integrationbus.server.replica import News, Replica, Roll
from integrationbus.server.storage import schema
from integrationbus.server.storage.common_time import common_now
from integrationbus.server.storage.operating import connectors_with_called
from integrationbus.server.storage.run_requests import list_requests
from integrationbus.server.storage.silent_copies import end_silent_copies
from integrationbus.server.switches import Switch

__all__ = ["attend", "leave", "read_news", "read_roll"]

_replica, _lease, _connector, _run = schema.replica, schema.lease, schema.connector, schema.run


def attend(connection: Connection, replica: Replica, now: int, duration: int) -> Roll:
    """Prolong the presence of a replica and its leases by ``duration`` microseconds, and see who else is there."""
    end_silent_copies(connection)
    later = common_now(connection, now) + duration
    connectors = json.dumps(sorted(replica.connectors))
    present = update(_replica).where(_replica.c.id == replica.id)
    if connection.execute(present.values(connectors=connectors, expires_at=later)).rowcount == 0:
        connection.execute(
            insert(_replica).values(id=replica.id, connectors=connectors, started_at=now, expires_at=later)
        )
    # A row that is locked is that of a batch being settled, which prolongs the lease as well: it is not waited for.
    free = select(_lease.c.connector_id).where(_lease.c.owner == replica.id).with_for_update(skip_locked=True)
    renewed = connection.execute(
        update(_lease)
        .where(_lease.c.connector_id.in_(free), _lease.c.owner == replica.id)
        .values(expires_at=later)
        .returning(_lease.c.connector_id)
    ).scalars()
    # Those that are gone for good are forgotten. One whose row is locked has just come back: two that wait for each
    # other's would both be late.
    gone = select(_replica.c.id).where(_replica.c.expires_at < common_now(connection, now))
    connection.execute(delete(_replica).where(_replica.c.id.in_(gone.with_for_update(skip_locked=True))))
    return read_roll(connection, now, frozenset(renewed))


def leave(connection: Connection, replica_id: str) -> None:
    """A replica ends; what it could not give back before is free as well."""
    connection.execute(update(_lease).where(_lease.c.owner == replica_id).values(owner=""))
    connection.execute(delete(_replica).where(_replica.c.id == replica_id))


def read_roll(connection: Connection, now: int, renewed: frozenset[int] = frozenset()) -> Roll:
    """Who is there now."""
    moment = common_now(connection, now)
    holders = (
        select(_connector.c.name, _lease.c.owner)
        .join(_lease, _lease.c.connector_id == _connector.c.id)
        .where(_lease.c.owner != "", _lease.c.expires_at >= moment)
    )
    present = select(_replica).where(_replica.c.expires_at >= moment)
    return Roll(
        replicas=[
            Replica(id=row.id, connectors=frozenset(json.loads(row.connectors)), started_at=from_micros(row.started_at))
            for row in connection.execute(present.order_by(_replica.c.id))
        ],
        holders={row.name: row.owner for row in connection.execute(holders)},
        renewed=renewed,
    )


def read_news(connection: Connection) -> News:
    """See ``Store.news``."""
    head = schema.connector_head
    heads = connection.execute(select(head.c.connector_id, head.c.last_sequence, head.c.last_position)).all()
    off = exists().where(schema.switch.c.id.in_((Switch.BUS, Switch.PROCESSING)), schema.switch.c.is_on.is_(False))
    held = select(_connector.c.name).where(or_(_connector.c.paused, _connector.c.enabled.is_(False), off))
    halted = select(_connector.c.name).where(_connector.c.halted_sequence.is_not(None))
    cancelled = select(_run.c.id).where(schema.OPEN_RUN, _run.c.cancelled)
    return News(
        sequences={connector_id: sequence for connector_id, sequence, _ in heads},
        positions={connector_id: position for connector_id, _, position in heads},
        called=connectors_with_called(connection),
        requested=list_requests(connection),
        cancelled=list(connection.execute(cancelled).scalars()),
        held=list(connection.execute(held).scalars()),
        halted=list(connection.execute(halted).scalars()),
    )
