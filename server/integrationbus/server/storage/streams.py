"""Streams of numbered tasks: how far each is settled, and which of its tasks were rejected."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, Insert, and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from integrationbus.server.log_streams import StreamPlace, StreamRejection, StreamStanding
from integrationbus.server.storage import schema

__all__ = ["advance_stream", "read_stream"]

_stream = schema.log_stream

_NOTHING = "[]"

_ADVANCE = (
    update(_stream)
    .where(
        _stream.c.creator == bindparam("of"),
        _stream.c.stream_id == bindparam("id"),
        _stream.c.settled_number == bindparam("after"),
    )
    .values(settled_number=bindparam("number"), changed_at=bindparam("now"))
    .returning(_stream.c.rejections)
)


def advance_stream(connection: Connection, place: StreamPlace, now: int) -> bool:
    """Move a stream on to the number of a place; False, with nothing done, when it does not stand where that begins.

    The row is locked until the transaction ends: of two writers only one gets past the same number.
    """
    parameters = {
        "of": place.creator,
        "id": place.stream_id,
        "after": place.after,
        "number": place.number,
        "now": now,
    }
    stored: str | None = connection.execute(_ADVANCE, parameters).scalar_one_or_none()
    if stored is None:
        return place.after == 0 and _insert(connection, place, now)
    if place.rejections or stored != _NOTHING:
        kept = [item for item in _from_text(stored) if item.number > place.heard_number]
        text = _to_text([*kept, *place.rejections])
        connection.execute(update(_stream).where(_is(place.creator, place.stream_id)).values(rejections=text))
    return True


def read_stream(connection: Connection, creator: str, stream_id: str) -> StreamStanding:
    """See ``Store.stream_standing``."""
    row = connection.execute(select(_stream).where(_is(creator, stream_id))).one_or_none()
    if row is None:
        return StreamStanding()
    return StreamStanding(settled_number=row.settled_number, rejections=_from_text(row.rejections))


def _insert(connection: Connection, place: StreamPlace, now: int) -> bool:
    """Whether the stream was not there yet, and is now."""
    values = {
        "creator": place.creator,
        "stream_id": place.stream_id,
        "settled_number": place.number,
        "rejections": _to_text(place.rejections),
        "changed_at": now,
    }
    statement = _insert_or_ignore(connection).values(values).returning(_stream.c.settled_number)
    return connection.execute(statement).scalar_one_or_none() is not None


def _insert_or_ignore(connection: Connection) -> Insert:
    if connection.dialect.name == "postgresql":
        return postgresql_insert(_stream).on_conflict_do_nothing()
    return sqlite_insert(_stream).on_conflict_do_nothing()


def _is(creator: str, stream_id: str) -> ColumnElement[bool]:
    return and_(_stream.c.creator == creator, _stream.c.stream_id == stream_id)


def _to_text(rejections: Sequence[StreamRejection]) -> str:
    return json.dumps([asdict(item) for item in rejections])


def _from_text(text: str) -> list[StreamRejection]:
    return [StreamRejection(**fields) for fields in json.loads(text)]
