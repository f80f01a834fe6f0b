"""The least that a drain can be: three statements for each batch, and nothing that a bus is for.

A batch of 500, the largest of the bus, is marked RUNNING in one transaction; in the next one its objects are inserted
and it is marked SUCCEEDED, with its events. No record is read, no key translated, no fence checked, no attempt noted.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, text, update

from bench.connector import PersonInfo
from integrationbus.server.storage import schema
from integrationbus.server.storage.database import open_database
from integrationbus.server.task import TaskState

__all__ = ["drain_by_rows", "drain_by_sets"]

_BATCH = 500
_task, _event = schema.task, schema.task_event
assert isinstance(PersonInfo.__table__, Table)
_person: Table = PersonInfo.__table__

_Write = Callable[[Connection, int, Sequence[int]], None]


def drain_by_rows(url: str, connector_id: int) -> float:
    """Tasks per second with SQLAlchemy Core and ``executemany``."""
    return _drain(url, connector_id, _claim_rows, _settle_rows)


def drain_by_sets(url: str, connector_id: int) -> float:
    """Tasks per second with one statement for all rows of a batch, which travel as arrays; PostgreSQL only."""
    return _drain(url, connector_id, _claim_set, _settle_set)


def _drain(url: str, connector_id: int, claim: _Write, settle: _Write) -> float:
    line = (
        select(_task.c.sequence, _task.c.payload)
        .where(_task.c.connector_id == connector_id, _task.c.in_line, _task.c.sequence > bindparam("after"))
        .order_by(_task.c.sequence)
        .limit(_BATCH)
    )
    after = 0
    with closing(open_database(url)) as database:
        started = time.perf_counter()
        while True:
            with database.write() as connection:
                places = [row.sequence for row in connection.execute(line, {"after": after})]
                if not places:
                    return after / (time.perf_counter() - started)
                claim(connection, connector_id, places)
            with database.write() as connection:
                settle(connection, connector_id, places)
            after = places[-1]


_AT = update(_task).where(_task.c.connector_id == bindparam("connector"), _task.c.sequence == bindparam("place"))
_CLAIM = _AT.values(state=TaskState.RUNNING, attempt_count=1)
_SETTLE = _AT.values(state=TaskState.SUCCEEDED, in_line=False, effect=1, position=bindparam("at"))


def _claim_rows(connection: Connection, connector_id: int, places: Sequence[int]) -> None:
    connection.execute(_CLAIM, [{"connector": connector_id, "place": place} for place in places])


def _settle_rows(connection: Connection, connector_id: int, places: Sequence[int]) -> None:
    connection.execute(insert(_person), [_object(place) for place in places])
    moved = [{"connector": connector_id, "place": place, "at": _position(place)} for place in places]
    connection.execute(_SETTLE, moved)
    connection.execute(insert(_event), [_event_row(connector_id, place) for place in places])


def _claim_set(connection: Connection, connector_id: int, places: Sequence[int]) -> None:
    connection.execute(_CLAIM_SET, {"connector": connector_id, "places": list(places)})


def _settle_set(connection: Connection, connector_id: int, places: Sequence[int]) -> None:
    objects = [_object(place) for place in places]
    connection.execute(_INSERT_SET, {name: [row[name] for row in objects] for name in objects[0]})
    given = {"connector": connector_id, "places": list(places), "positions": [_position(place) for place in places]}
    connection.execute(_SETTLE_SET, given)
    connection.execute(_EVENT_SET, given)


_CLAIM_SET = text(
    "UPDATE task SET state = 2, attempt_count = 1 FROM unnest(CAST(:places AS bigint[])) AS given (place)"
    " WHERE connector_id = :connector AND sequence = place"
)
_INSERT_SET = text(
    "INSERT INTO bench_person (login, first_name, last_name, email, address, postcode, active)"
    " SELECT * FROM unnest(CAST(:login AS text[]), CAST(:first_name AS text[]), CAST(:last_name AS text[]),"
    " CAST(:email AS text[]), CAST(:address AS text[]), CAST(:postcode AS text[]), CAST(:active AS boolean[]))"
)
_SETTLE_SET = text(
    "UPDATE task SET state = 4, in_line = false, effect = 1, position = at"
    " FROM unnest(CAST(:places AS bigint[]), CAST(:positions AS bigint[])) AS given (place, at)"
    " WHERE connector_id = :connector AND sequence = place"
)
_EVENT_SET = text(
    "INSERT INTO task_event (connector_id, position, sequence, state, attempt, run_id, actor, reason, occurred_at)"
    " SELECT :connector, at, place, 4, 1, '', '', '', 0"
    " FROM unnest(CAST(:places AS bigint[]), CAST(:positions AS bigint[])) AS given (place, at)"
)


def _position(place: int) -> int:
    """Where an event stands in the feed: behind those of logging, however many there are."""
    return 1_000_000_000 + place


def _object(place: int) -> dict[str, Any]:
    return {
        "login": f"person-{place}",
        "first_name": "Ada",
        "last_name": f"Person {place}",
        "email": f"ada.person.{place}@example.com",
        "address": "1 Long Street, the third house behind the mill, with the blue door and the bell, Lower Example",
        "postcode": "00000",
        "active": True,
    }


def _event_row(connector_id: int, place: int) -> dict[str, Any]:
    known = {"attempt": 1, "run_id": "", "occurred_at": 0, "state": TaskState.SUCCEEDED}
    return {"connector_id": connector_id, "position": _position(place), "sequence": place, **known}
