"""What the store promises, on each kind of database."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.claims import ClaimRequest, NewRun, Settlement
from integrationbus.server.connector import Lease
from integrationbus.server.errors import ConnectorNotFound, LeaseHeld, LeaseLost, RunNotFound, TaskNotFound
from integrationbus.server.ids import new_id
from integrationbus.server.log_entries import LogEntry, LogReceipt, RequestKey, ReusedRequest
from integrationbus.server.run import RunState, RunTrigger
from integrationbus.server.storage import schema
from integrationbus.server.task import (
    AttemptOutcome,
    NewTask,
    ProcessType,
    Task,
    TaskActionKind,
    TaskEffect,
    TaskResult,
    TaskState,
)
from integrationbus.server.task_queries import TaskQuery

DONE = TaskResult(effect=TaskEffect.CREATED, object_type="test.person", object_id=1)


def run() -> NewRun:
    return NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)


def claim(bus: Workbench, lease: Lease, run: NewRun, *, after: int = 0, most: int = 10) -> list[Task]:
    request = ClaimRequest(run=run, after_sequence=after, max_tasks=most, max_bytes=10**6)
    return list(bus.store.claim(lease, request).tasks)


def acquire(bus: Workbench, run_id: str = "", owner: str = "me") -> Lease:
    return bus.store.acquire_lease("people", owner, run_id)


def let_the_lease_expire(bus: Workbench) -> None:
    """As if the holder had not been heard of for long: the clock of a PostgreSQL is not ours to move."""
    with bus.database.write() as connection:
        connection.execute(text("UPDATE lease SET expires_at = 1"))


def entry(request_id: str, digest: bytes, *names: str) -> LogEntry:
    tasks = [new_task({"name": name}) for name in names]
    return LogEntry(tasks=tasks, request=RequestKey(creator="a", request_id=request_id, body_digest=digest))


def test_sequences_and_positions_are_dense(bus: Workbench) -> None:
    receipts = bus.store.append([LogEntry(tasks=[new_task({}), new_task({})]), LogEntry(tasks=[new_task({})])])
    assert all(isinstance(receipt, LogReceipt) for receipt in receipts)
    logged = [task for receipt in receipts if isinstance(receipt, LogReceipt) for task in receipt.tasks]
    assert [(task.sequence, task.position) for task in logged] == [(1, 1), (2, 2), (3, 3)]
    page = bus.store.events(bus.store.connector("people").id, after_position=0, limit=10)
    assert [event.position for event in page.events] == [1, 2, 3]
    assert (page.newest_position, page.floor) == (3, 0)


def test_a_repeated_request_is_stored_once_even_within_one_call(bus: Workbench) -> None:
    first, twin = bus.store.append([entry("r", b"1", "Ada"), entry("r", b"1", "Ada")])
    [again] = bus.store.append([entry("r", b"1", "Ada")])
    [other] = bus.store.append([entry("r", b"2", "Bob")])
    assert isinstance(first, LogReceipt)
    assert isinstance(twin, LogReceipt)
    assert isinstance(again, LogReceipt)
    assert (first.tasks, True, True) == (twin.tasks, twin.duplicate, again.duplicate)
    assert again.tasks == first.tasks
    assert other == ReusedRequest(request_id="r")
    assert len(bus.all_tasks()) == 1


def test_a_claim_marks_tasks_running_and_a_settlement_ends_them(bus: Workbench) -> None:
    ids = bus.log(new_task({}), new_task({}), new_task({}))
    lease, pass_ = acquire(bus), run()
    tasks = claim(bus, lease, pass_, most=2)
    assert [task.id for task in tasks] == ids[:2]
    assert bus.states(ids) == ["RUNNING", "RUNNING", "PENDING"]
    with bus.store.settling(lease, pass_.id) as transaction:
        transaction.settle([Settlement(task=tasks[0], result=DONE), Settlement(task=tasks[1])], ())
    assert bus.states(ids) == ["SUCCEEDED", "PENDING", "PENDING"]
    assert bus.task(ids[0]).result == DONE
    counts = bus.store.connector("people").counts
    assert (counts.succeeded, counts.pending, counts.running) == (1, 2, 0)
    assert bus.store.run(pass_.id).counts.succeeded == 1


def test_whoever_lost_the_lease_can_neither_claim_nor_settle(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({}))
    old, pass_ = acquire(bus, owner="old"), run()
    tasks = claim(bus, old, pass_)
    with pytest.raises(LeaseHeld):
        acquire(bus, owner="new")
    let_the_lease_expire(bus)
    new = acquire(bus, owner="new")
    assert new.epoch > old.epoch
    with pytest.raises(LeaseLost), bus.store.settling(old, pass_.id) as transaction:
        transaction.settle([Settlement(task=task, result=DONE) for task in tasks], ())
    with pytest.raises(LeaseLost):
        claim(bus, old, pass_)
    assert bus.task(task_id).state is TaskState.PENDING
    assert bus.store.run(pass_.id).state is RunState.INTERRUPTED


def test_the_fence_holds_even_when_the_new_holder_has_the_same_tasks_in_hand(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({}))
    old, old_run = acquire(bus, owner="old"), run()
    tasks = claim(bus, old, old_run)
    let_the_lease_expire(bus)
    new, new_run = acquire(bus, owner="new"), run()
    again = claim(bus, new, new_run)
    with pytest.raises(LeaseLost), bus.store.settling(old, old_run.id) as transaction:
        transaction.settle([Settlement(task=again[0], result=DONE)], ())
    assert bus.task(task_id).state is TaskState.RUNNING
    with bus.store.settling(new, new_run.id) as transaction:
        transaction.settle([Settlement(task=again[0], result=DONE)], ())
    assert [task.id for task in tasks] == [task_id]
    assert bus.task(task_id).state is TaskState.SUCCEEDED


def test_a_skip_once_task_behind_what_was_taken_is_not_passed_over_yet(bus: Workbench) -> None:
    """What was taken may come back to the line; the same run would then meet the other a second time."""
    ids = bus.log(new_task({}), new_task({}, process_type=ProcessType.SKIP_ONCE), new_task({}))
    lease, pass_ = acquire(bus), run()
    assert [task.id for task in claim(bus, lease, pass_)] == ids[:1]
    assert bus.states(ids) == ["RUNNING", "PENDING", "PENDING"]


def test_tasks_of_a_dead_process_are_tried_alone_and_given_up_after_three_deaths(bus: Workbench) -> None:
    ids = bus.log(new_task({}), new_task({}))
    claim(bus, acquire(bus), run())
    lease = acquire(bus)
    assert [task.isolated for task in bus.all_tasks()] == [True, True]
    for _ in range(3):
        assert [task.id for task in claim(bus, lease, run())] == ids[:1], "one at a time"
        lease = acquire(bus)
    failed = bus.task(ids[0])
    assert failed.last_error
    assert (failed.state, failed.last_error.reason) == (TaskState.FAILED, "WORKER_CRASH_LOOP")
    assert bus.store.connector("people").halted_by == ids[0]
    assert bus.task(ids[1]).state is TaskState.PENDING


def test_a_task_that_was_asked_for_and_kills_the_process_halts_its_connector_as_well(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({}))
    bus.store.act_on(
        TaskActionKind.RETRY,
        TaskQuery(task_ids=[task_id]),
        after=None,
        limit=10,
        etag="",
        actor="",
        reason="",
        rehearse=False,
    )
    lease = acquire(bus)
    for _ in range(3):
        assert [task.id for task in claim(bus, lease, run())] == [task_id]
        lease = acquire(bus)
    assert bus.task(task_id).state is TaskState.FAILED
    assert bus.store.connector("people").halted_by == task_id
    assert claim(bus, lease, run()) == []


def test_a_task_that_is_tried_alone_is_not_taken_with_others_before_it(bus: Workbench) -> None:
    ids = bus.log(new_task({}), new_task({}), new_task({}))
    claim(bus, acquire(bus), run(), after=1, most=1)
    lease = acquire(bus)
    assert [task.isolated for task in bus.all_tasks()] == [False, True, False]
    assert [task.id for task in claim(bus, lease, run())] == ids[:1]


def test_a_task_in_hand_cannot_be_settled_twice(bus: Workbench) -> None:
    bus.log(new_task({}))
    lease, pass_ = acquire(bus), run()
    tasks = claim(bus, lease, pass_)
    with bus.store.settling(lease, pass_.id) as transaction:
        transaction.settle([Settlement(task=tasks[0], result=DONE)], ())
    with pytest.raises(LeaseLost), bus.store.settling(lease, pass_.id) as transaction:
        transaction.settle([Settlement(task=tasks[0], result=DONE)], ())


def test_a_claim_is_bounded_in_bytes_but_never_empty_for_that(bus: Workbench) -> None:
    bus.log(*(new_task({"name": "x" * 1000}) for _ in range(3)))
    request = ClaimRequest(run=run(), after_sequence=0, max_tasks=10, max_bytes=100)
    assert len(bus.store.claim(acquire(bus), request).tasks) == 1


def test_runs_are_listed_newest_first(bus: Workbench, clock: ManualClock) -> None:
    connector_id = bus.store.connector("people").id
    runs = []
    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        runs.append(bus.store.begin_run(connector_id, run()))
    assert [item.id for item in bus.store.runs(connector_id, before=None, limit=2)] == [runs[2].id, runs[1].id]
    assert [item.id for item in bus.store.runs(None, before=runs[1].id, limit=9)] == [runs[0].id]
    assert bus.store.abandoned() == ["people"]
    bus.store.end_run(runs[0].id, RunState.COMPLETED)
    bus.store.end_run(runs[0].id, RunState.HALTED)
    assert bus.store.run(runs[0].id).state is RunState.COMPLETED, "the first end counts"


def test_what_is_not_there_is_not_found(bus: Workbench) -> None:
    with pytest.raises(TaskNotFound):
        bus.store.task("x", with_payload=False)
    with pytest.raises(RunNotFound):
        bus.store.run("x")
    with pytest.raises(ConnectorNotFound):
        bus.store.connector("x")
    with pytest.raises(ConnectorNotFound):
        bus.store.set_paused("x", paused=True, actor="", reason="")


def test_a_digest_covers_all_that_the_caller_gave() -> None:
    def task(**changes: str) -> NewTask:
        return new_task({"name": changes.pop("payload", "Ada")}, **changes)  # type: ignore[arg-type] # texts only

    first = task().digest()
    assert task().digest() == first, "the id is the server's"
    for change in ({"external_id": "1"}, {"site": "s"}, {"connector": "c"}, {"payload": "Bob"}):
        assert task(**change).digest() != first


def test_an_attempt_that_an_earlier_version_left_open_is_on_record_once(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({"name": "Ada"}))
    lease, own = acquire(bus), run()
    [task] = claim(bus, lease, own)
    [going_on] = bus.store.attempts(task_id)[0]
    assert (going_on.number, going_on.run_id, going_on.outcome, going_on.ended_at) == (1, own.id, None, None)
    with bus.database.write() as connection:
        # Earlier versions wrote the attempt when it began, and again when it ended.
        row = {"connector_id": lease.connector_id, "sequence": task.sequence, "number": 1, "epoch": lease.epoch}
        connection.execute(schema.task_attempt.insert().values(run_id=own.id, started_at=1, **row))
    acquire(bus)
    [ended] = bus.store.attempts(task_id)[0]
    assert (ended.number, ended.run_id, ended.outcome) == (1, own.id, AttemptOutcome.CRASHED)
    assert ended.ended_at is not None
