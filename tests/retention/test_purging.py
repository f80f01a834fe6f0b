"""What retention removes, what it keeps, and that the books are in order afterwards."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, text
from support.bench import Workbench, new_task
from support.books import problems_of_the_books
from support.clocks import ManualClock

from integrationbus.server.errors import RunNotFound, TaskNotFound
from integrationbus.server.log_entries import LogEntry, LogReceipt, RequestKey
from integrationbus.server.purger import Purger
from integrationbus.server.retention import Purged, Retention
from integrationbus.server.storage import schema
from integrationbus.server.task import MissingKeyAction, ProcessType, TaskActionKind

DAY = timedelta(days=1)
KEPT = Retention(succeeded=2 * DAY, failed=4 * DAY, deleted=6 * DAY, events=DAY, request_ids=3 * DAY, runs=5 * DAY)
FOR_EVER = Retention(succeeded=None, failed=None, deleted=None, events=None, request_ids=None, runs=None)


def sweep(bus: Workbench, retention: Retention = KEPT) -> Purged:
    purged = Purger(bus.store, retention).sweep()
    assert problems_of_the_books(bus.database) == []
    return purged


def there(bus: Workbench, ids: dict[str, str]) -> set[str]:
    """The names of the tasks that are still there."""
    known = {task.id for task in bus.all_tasks()}
    return {name for name, task_id in ids.items() if task_id in known}


@pytest.fixture
def ids(bus: Workbench) -> dict[str, str]:
    """One task of each way to end, and of each way not to; all on the first day."""
    tasks = {
        "succeeded": new_task({"name": "Ada"}, external_id="1"),
        "failed": new_task({"do": "raise"}, process_type=ProcessType.SKIP_ON_ERROR),
        "deleted": new_task({"do": "raise"}, process_type=ProcessType.DELETE_ON_ERROR),
        "waiting": new_task({"name": "Eve", "boss_id": "99"}, missing_key=MissingKeyAction.WAIT, external_id="2"),
        "behind": new_task({"name": "Eva"}, external_id="2"),
        "skipped by hand": new_task({"name": "Bob"}, process_type=ProcessType.SKIP_ONCE),
        "deleted by hand": new_task({"name": "Cyd"}, process_type=ProcessType.SKIP_ONCE),
        "passed over": new_task({"name": "Dan"}, process_type=ProcessType.SKIP_ONCE),
    }
    bus.log(*tasks.values())
    bus.process()
    found = {name: task.id for name, task in tasks.items()}
    bus.act(TaskActionKind.SKIP, found["skipped by hand"])
    bus.act(TaskActionKind.DELETE, found["deleted by hand"])
    return found


@pytest.fixture
def statements(bus: Workbench) -> Iterator[list[tuple[str, object]]]:
    """The statements that are sent, with their parameters."""
    sent: list[tuple[str, object]] = []

    def note(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        sent.append((statement, parameters))

    with bus.database.write() as connection:
        engine = connection.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


ALWAYS = {"failed", "waiting", "behind", "passed over"}
"""What is in the line, or waits. A task of SKIP_ON_ERROR is tried again until it has failed ten times."""


def test_each_outcome_is_kept_as_long_as_its_retention_says(
    bus: Workbench, clock: ManualClock, ids: dict[str, str]
) -> None:
    clock.advance(DAY - timedelta(microseconds=1))
    assert sweep(bus) == Purged()
    clock.advance(timedelta(microseconds=1))
    assert sweep(bus).events > 0
    assert there(bus, ids) == set(ids), "changes go earlier than tasks"
    clock.advance(DAY)
    assert sweep(bus).tasks == 1
    assert there(bus, ids) == set(ids) - {"succeeded"}
    clock.advance(2 * DAY)
    assert sweep(bus).tasks == 1
    assert there(bus, ids) == ALWAYS | {"deleted", "deleted by hand"}
    clock.advance(2 * DAY)
    assert (sweep(bus).tasks, there(bus, ids)) == (2, ALWAYS)
    clock.advance(1000 * DAY)
    assert (sweep(bus), there(bus, ids)) == (Purged(), ALWAYS)
    with pytest.raises(TaskNotFound):
        bus.task(ids["deleted"])
    # What is left goes on as if nothing had happened.
    assert bus.process().counts.succeeded == 1
    bus.log(new_task({"name": "Zoe"}, external_id="99"))
    bus.process()
    assert bus.states([ids["waiting"], ids["behind"]]) == ["SUCCEEDED", "SUCCEEDED"]
    assert bus.names("test.person") == ["Ada", "Dan", "Zoe", "Eva"]
    assert problems_of_the_books(bus.database) == []


def test_nothing_is_removed_nor_looked_at_when_all_is_kept_for_ever(
    bus: Workbench, clock: ManualClock, ids: dict[str, str], statements: list[tuple[str, object]]
) -> None:
    clock.advance(10_000 * DAY)
    statements.clear()
    assert Purger(bus.store, FOR_EVER).sweep() == Purged()
    assert statements == []
    assert there(bus, ids) == set(ids)


def test_a_task_that_comes_back_to_the_line_is_kept_and_its_time_starts_anew(
    bus: Workbench, clock: ManualClock, ids: dict[str, str]
) -> None:
    clock.advance(10 * DAY)
    bus.act(TaskActionKind.RETRY, ids["skipped by hand"])
    bus.settled(ids["skipped by hand"])
    assert sweep(bus).tasks > 0
    assert "skipped by hand" in there(bus, ids)
    assert bus.task(ids["skipped by hand"]).state.name == "SUCCEEDED"
    clock.advance(2 * DAY)
    sweep(bus)
    assert "skipped by hand" not in there(bus, ids)


def test_a_task_that_failed_for_good_goes_and_the_task_that_halts_does_not(bus: Workbench, clock: ManualClock) -> None:
    [failing] = bus.log(new_task({"do": "raise"}, process_type=ProcessType.SKIP_ON_ERROR))
    for _ in range(10):
        bus.process()
    [halting] = bus.log(new_task({"do": "raise"}))
    bus.process()
    assert bus.store.connector("people").halted_by == halting
    clock.advance(100 * DAY)
    assert sweep(bus).tasks == 1
    assert there(bus, {"failing": failing, "halting": halting}) == {"halting"}


def test_the_feed_stays_dense_behind_its_floor_even_when_a_clock_jumped(bus: Workbench, clock: ManualClock) -> None:
    """A change that a clock dated into the future does not hold up those before an older one."""
    connector_id = bus.store.connector("people").id
    bus.log(new_task({}), new_task({}))
    with bus.database.write() as connection:
        connection.execute(text("UPDATE task_event SET occurred_at = occurred_at * 2 WHERE position = 1"))
    clock.advance(2 * DAY)
    bus.log(new_task({}))
    assert sweep(bus) == Purged(events=2)
    page = bus.store.events(connector_id, after_position=0, limit=10)
    assert ([item.position for item in page.events], page.floor, page.newest_position) == ([3], 2, 3)


def test_request_ids_are_free_again_and_ended_runs_are_gone(bus: Workbench, clock: ManualClock) -> None:
    def log(digest: bytes) -> LogReceipt:
        request = RequestKey(creator="a", request_id="r", body_digest=digest)
        [receipt] = bus.store.append([LogEntry(tasks=[new_task({})], request=request)])
        assert isinstance(receipt, LogReceipt)
        return receipt

    log(b"1")
    run = bus.process()
    clock.advance(3 * DAY - timedelta(microseconds=1))
    assert (sweep(bus).request_ids, log(b"1").duplicate) == (0, True)
    clock.advance(timedelta(microseconds=1))
    assert (sweep(bus).request_ids, log(b"2").duplicate) == (1, False)
    assert bus.store.run(run.id).id == run.id
    clock.advance(2 * DAY)
    assert sweep(bus).runs == 1
    with pytest.raises(RunNotFound):
        bus.store.run(run.id)


def test_a_sweep_goes_part_by_part_and_pages_of_a_list_stay_right(bus: Workbench, clock: ManualClock) -> None:
    bus.log(*(new_task({"name": f"p{number}"}) for number in range(1200)))
    bus.process()
    clock.advance(10 * DAY)
    [last] = bus.log(new_task({}))
    connector_id = bus.store.connector("people").id
    news: list[str] = []
    part = bus.store.purge_connector(connector_id, KEPT, limit=250)
    assert (part.events, part.tasks, part.more) == (1000, 0, True)
    assert problems_of_the_books(bus.database) == []
    purger = Purger(bus.store, KEPT, lambda: news.append("removed"))
    assert purger.sweep().tasks == 1200
    assert purger.sweep() == Purged()
    assert news == ["removed"]
    with bus.database.read() as connection:
        for table in (schema.task_attempt, schema.applied):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
    # A page whose predecessor was purged begins with what follows.
    assert [task.id for task in bus.all_tasks()] == [last]
    page = bus.store.events(connector_id, after_position=3600, limit=10)
    assert [item.position for item in page.events] == [3601]


def test_changes_are_never_kept_longer_than_their_tasks() -> None:
    for wrong in ({"events": 3 * DAY}, {"events": None}):
        with pytest.raises(ValueError, match="longer than succeeded tasks, which are kept 2 days"):
            Retention(succeeded=2 * DAY, **wrong)
    assert Retention(succeeded=None, failed=None, deleted=None, events=None).events is None


@pytest.mark.usefixtures("ids")
def test_no_statement_of_a_sweep_scans_a_table(
    bus: Workbench, clock: ManualClock, statements: list[tuple[str, object]]
) -> None:
    request = RequestKey(creator="a", request_id="r", body_digest=b"")
    bus.store.append([LogEntry(tasks=[new_task({})], request=request)])
    statements.clear()
    clock.advance(100 * DAY)
    Purger(bus.store, KEPT).sweep()
    wanted = [
        item
        for item in statements
        if re.match(r"SELECT .*\sFROM (task|task_event|run|request)\b|DELETE", item[0], re.DOTALL)
    ]
    explain = "EXPLAIN QUERY PLAN " if bus.database.kind == "sqlite" else "EXPLAIN "
    plans: dict[str, str] = {}
    with bus.database.write() as connection:
        if bus.database.kind == "postgresql":
            # The tables are small: whoever plans for them prefers a scan.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in wanted:
            rows = connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type] # as they were
            plans[statement] = "\n".join(str(row[-1]) for row in rows)
    assert len(plans) >= 8
    for statement, plan in plans.items():
        assert not re.search(r"SCAN (?!CONSTANT|.*INDEX)|Seq Scan|TEMP B-TREE", plan), f"{statement}\n{plan}"
    together = "\n".join(plans.values())
    for index in ("ix_task_settled", "ix_run_ended_at", "ix_request_stored_at"):
        assert index in together
