"""Points in time in internal classes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from integrationbus.connectors import UtcDateTime

MOMENTS = Table("moments", MetaData(), Column("at", UtcDateTime))
NOON = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)


def stored_and_read(value: datetime | None) -> datetime | None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        MOMENTS.create(connection)
        connection.execute(insert(MOMENTS), {"at": value})
        read: datetime | None = connection.execute(select(MOMENTS.c.at)).scalar_one()
    engine.dispose()
    return read


@pytest.mark.parametrize("value", [NOON, NOON.astimezone(timezone(timedelta(hours=-7)))])
def test_the_moment_stays_the_same_in_every_zone(value: datetime) -> None:
    read = stored_and_read(value)
    assert read == NOON
    assert read is not None
    assert read.tzinfo is UTC


def test_null_stays_null() -> None:
    assert stored_and_read(None) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(StatementError, match="2026-07-01T12:00:00 has no time zone"):
        stored_and_read(datetime(2026, 7, 1, 12))  # noqa: DTZ001 - that is the point
