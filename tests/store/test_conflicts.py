"""Transactions that meet on PostgreSQL: those that lose are done again, and a request is stored once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from sqlalchemy import Connection, text
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import fresh_postgres

from integrationbus.server.claims import ClaimRequest, NewRun, Settlement
from integrationbus.server.connector import HeadAction
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.ids import new_id
from integrationbus.server.log_entries import LogEntry, LogReceipt, NotStored, RequestKey, ReusedRequest
from integrationbus.server.run import RunState, RunTrigger
from integrationbus.server.switches import Switch
from integrationbus.server.task import TaskActionKind, TaskEffect, TaskResult
from integrationbus.server.task_queries import TaskQuery

CONNECTORS = ("support.people:PeopleConnector", "support.people:PatientConnector")
DONE = TaskResult(effect=TaskEffect.CREATED, object_type="test.person", object_id=1)

# Raises the given error while the sequence, which no rollback sets back, is below its limit.
TROUBLE = """
CREATE SEQUENCE troubles;
CREATE TABLE trouble (kind TEXT, most INT);
INSERT INTO trouble VALUES ('', 0);
CREATE FUNCTION trouble() RETURNS trigger AS $$
BEGIN
    IF (SELECT most > 0 AND nextval('troubles') <= most FROM trouble) THEN
        RAISE EXCEPTION 'as the test says' USING ERRCODE = (SELECT kind FROM trouble);
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
"""


@pytest.fixture
def bus(postgres: str, clock: ManualClock) -> Iterator[Workbench]:
    with fresh_postgres(postgres, "bus_conflicts") as url, Workbench(url, clock, CONNECTORS) as bus:
        yield bus


def wait_for_a_lock(connection: Connection) -> None:
    """Return when some transaction of this database waits for a lock."""
    deadline = monotonic() + 10
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while connection.execute(waiting).scalar_one() == 0:
        assert monotonic() < deadline, "nobody waits"


def test_the_loser_of_a_deadlock_is_done_again(bus: Workbench) -> None:
    entry = LogEntry(tasks=[new_task({}), new_task({}, connector="patient")])
    first, second = sorted(connector.id for connector in bus.store.connectors())
    lock = text("SELECT * FROM connector_head WHERE connector_id = :id FOR UPDATE")
    with ThreadPoolExecutor() as pool, bus.database.write() as other:
        # The other one looks for a deadlock later, so that it is the log that has to give way.
        other.execute(text("SET LOCAL deadlock_timeout = '1min'; SET LOCAL lock_timeout = 0"))
        other.execute(lock, {"id": second})
        logged = pool.submit(bus.store.append, [entry])
        wait_for_a_lock(other)
        other.execute(lock, {"id": first})
        other.rollback()
        [receipt] = logged.result()
    assert isinstance(receipt, LogReceipt)
    assert [task.sequence for task in receipt.tasks] == [1, 1]
    assert len(bus.all_tasks()) == 2


@pytest.fixture
def trouble(bus: Workbench) -> Callable[[str, int], None]:
    """Lets the next writes fail, as often as is said, with an error of PostgreSQL."""
    with bus.database.write() as connection:
        connection.exec_driver_sql(TROUBLE)
        for table in ("connector", "connector_head", "switch", "run", "applied"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER trouble BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION trouble()"
            )

    def begin(kind: str, most: int) -> None:
        with bus.database.write() as connection:
            connection.execute(text("UPDATE trouble SET kind = :kind, most = :most"), {"kind": kind, "most": most})
            connection.exec_driver_sql("ALTER SEQUENCE troubles RESTART")

    return begin


def tries(bus: Workbench) -> int:
    with bus.database.read() as connection:
        return int(connection.exec_driver_sql("SELECT last_value FROM troubles").scalar_one())


@pytest.mark.parametrize("kind", ["40001", "40P01"])
def test_every_call_that_may_be_repeated_survives_conflicts(
    bus: Workbench, trouble: Callable[[str, int], None], kind: str
) -> None:
    store, people = bus.store, bus.store.connector("people")
    lease, run = store.acquire_lease("people", "me", ""), NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)
    calls: list[Callable[[], object]] = [
        lambda: store.append([LogEntry(tasks=[new_task({"name": "Ada"})])]),
        lambda: store.set_paused("people", paused=True, actor="", reason=""),
        lambda: store.set_enabled("people", enabled=True, actor="", reason=""),
        lambda: store.set_paused("people", paused=False, actor="", reason=""),
        lambda: store.set_switch(Switch.BUS, on=True, actor="", reason=""),
        lambda: store.begin_run(people.id, run),
        lambda: store.note_cancellation(run.id, actor="me", reason=""),
        lambda: store.act_on(
            TaskActionKind.SKIP,
            TaskQuery(connector_ids=[people.id]),
            after=None,
            limit=10,
            etag="",
            actor="",
            reason="",
            rehearse=False,
        ),
        lambda: store.append([LogEntry(tasks=[new_task({"name": "Bob"})])]),
        lambda: store.claim(lease, ClaimRequest(run=run, after_sequence=0, max_tasks=10, max_bytes=100)),
        lambda: store.end_run(run.id, RunState.COMPLETED),
        lambda: store.register_connectors({"people": "moved.people:PeopleConnector"}),
    ]
    for call in calls:
        trouble(kind, 2)
        call()
        assert tries(bus) > 2, "it failed twice"
    trouble("", 0)
    assert [task.state.name for task in bus.all_tasks()] == ["SKIPPED", "RUNNING"]
    assert [task.attempt_count for task in bus.all_tasks()] == [0, 1]
    assert not store.clear_halt("people", HeadAction.RETRY, actor="", reason="")


def test_conflicts_without_end_are_an_answer_and_what_connectors_did_is_not_repeated(
    bus: Workbench, trouble: Callable[[str, int], None]
) -> None:
    trouble("40001", 100)
    with pytest.raises(StoreUnavailable, match="as the test says"):
        bus.log(new_task({}))
    assert tries(bus) == 5
    trouble("", 0)
    bus.log(new_task({}))
    lease, run = bus.store.acquire_lease("people", "me", ""), NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)
    claim = bus.store.claim(lease, ClaimRequest(run=run, after_sequence=0, max_tasks=10, max_bytes=100))
    trouble("40P01", 1)
    settlement = Settlement(task=claim.tasks[0], result=DONE)
    with pytest.raises(StoreUnavailable), bus.store.settling(lease, run.id) as transaction:
        transaction.settle([settlement], ())
    with bus.store.settling(lease, run.id) as transaction:
        transaction.settle([settlement], ())
    assert [task.state.name for task in bus.all_tasks()] == ["SUCCEEDED"]


def requested(digest: bytes, connector: str) -> LogEntry:
    request = RequestKey(creator="a", request_id="r", body_digest=digest)
    return LogEntry(tasks=[new_task({"name": "Ada"}, connector=connector)], request=request)


def test_a_request_that_two_servers_get_at_once_is_stored_once(bus: Workbench) -> None:
    entries = [requested(b"1", "people"), requested(b"1", "people"), requested(b"2", "patient")]
    outcomes: list[LogReceipt | NotStored] = []
    with ThreadPoolExecutor() as pool:
        with bus.database.write() as other:
            other.execute(text("INSERT INTO request VALUES ('a', 'r', '1', '[]', 1)"))
            waiting = [pool.submit(bus.store.append, [entry]) for entry in entries]
            wait_for_a_lock(other)
            other.rollback()
        for each in waiting:
            outcomes += each.result()
    receipts = [outcome for outcome in outcomes if isinstance(outcome, LogReceipt)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, ReusedRequest)]
    assert len(bus.all_tasks()) == 1
    assert (len(receipts), len(refused)) in {(2, 1), (1, 2)}
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert len({tuple(receipt.tasks) for receipt in receipts}) == 1
