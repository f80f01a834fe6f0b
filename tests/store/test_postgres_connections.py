"""Connections to PostgreSQL that break, and what is asked of a connection at all."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url, text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import fresh_postgres
from support.wire import Wire, wire_to

from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.log_entries import LogEntry, LogReceipt, RequestKey

COMMIT = b"COMMIT\0"


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with fresh_postgres(postgres, "bus_connections") as url:
        yield url


@pytest.fixture
def wire(url: str) -> Iterator[tuple[Wire, str]]:
    with wire_to(url) as wire_and_url:
        yield wire_and_url


def entry() -> LogEntry:
    request = RequestKey(creator="a", request_id="r", body_digest=b"1")
    return LogEntry(tasks=[new_task({"name": "Ada"})], request=request)


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param((b"INSERT INTO task", False, StoreUnavailable, False), id="in the middle"),
        pytest.param((COMMIT, False, OutcomeUnknown, False), id="before the commit arrives"),
        pytest.param((COMMIT, True, OutcomeUnknown, True), id="before its answer arrives"),
    ],
)
def test_what_a_cut_connection_left_open_is_settled_by_the_request_id(
    wire: tuple[Wire, str], clock: ManualClock, cut: tuple[bytes, bool, type[Exception], bool]
) -> None:
    cutter, url = wire
    message, delivered, error, is_stored = cut
    with Workbench(url, clock) as bus:
        cutter.cut_at(message, delivered=delivered)
        with pytest.raises(error):
            bus.store.append([entry()])
        assert cutter.was_cut
        stored = [task.id for task in bus.all_tasks()]
        assert bool(stored) is is_stored
        [receipt] = bus.store.append([entry()])
        assert isinstance(receipt, LogReceipt)
        assert receipt.duplicate is is_stored
        assert [task.id for task in receipt.tasks] == [task.id for task in bus.all_tasks()]
        assert bus.process().counts.succeeded == 1


def test_nothing_is_kept_in_the_session_of_a_pooler(wire: tuple[Wire, str], clock: ManualClock) -> None:
    """It gives each transaction another session, and takes no settings at the start."""
    recorder, url = wire
    recorder.as_pooler = True
    with Workbench(url, clock) as bus:
        bus.log(*(new_task({"name": f"p{number}"}) for number in range(20)))
        assert bus.process().counts.succeeded == 20
    sent = bytes(recorder.sent).upper()
    for word in (
        b"PREPARE",
        b"_PG3_",
        b"LISTEN",
        b"ADVISORY_LOCK",
        b"OPTIONS\0",
        b"CREATE TEMP",
        b"DECLARE ",
        b"SESSION C",
    ):
        assert word not in sent, word
    settings = [
        part for part in sent.replace(b"\0", b";").replace(b"Q", b";").split(b";") if part.strip()[:4] == b"SET "
    ]
    assert settings
    assert [part for part in settings if b"SET LOCAL " not in part] == []


def test_a_session_of_our_own_keeps_plans_and_limits(wire: tuple[Wire, str], clock: ManualClock) -> None:
    recorder, url = wire
    with Workbench(url, clock) as bus:
        for number in range(10):
            bus.log(new_task({"name": f"p{number}"}))
        assert bus.process().counts.succeeded == 10
    assert b"_pg3_" in recorder.sent, "statements have names by which they are called again"
    assert 3 * recorder.sent.count(b"lock_timeout") < recorder.sent.count(b"COMMIT"), "the limits stay set"


def test_the_limits_hold_in_every_transaction_whatever_the_database_says(url: str, clock: ManualClock) -> None:
    name = make_url(url).database
    defaults = {
        "default_transaction_isolation": "serializable",
        "default_transaction_read_only": "on",
        "timezone": "Asia/Kathmandu",
        "statement_timeout": "1h",
        "idle_in_transaction_session_timeout": "1h",
    }
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting, value in defaults.items():
            connection.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    engine.dispose()
    with Workbench(url, clock) as bus:
        bus.log(new_task({"name": "Ada"}))
        assert bus.process().counts.succeeded == 1
        limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "timezone")
        kinds = ("client_connection_check_interval", "transaction_isolation", "transaction_read_only")
        question = text("SELECT " + ", ".join(f"current_setting('{each}')" for each in (*limits, *kinds)))
        with bus.database.write() as connection:
            writing = tuple(connection.execute(question).one())
        with bus.database.read() as connection:
            reading = tuple(connection.execute(question).one())
    values = ("2s", "10s", "15s", "UTC", "5s")
    assert writing == (*values, "read committed", "off")
    assert reading == (*values, "repeatable read", "on")


def test_a_server_that_is_not_there_is_said_to_be_away(clock: ManualClock) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        Workbench("postgresql://nobody@127.0.0.1:1/nothing", clock)
