"""Two servers, one queue and one target: who has lost the connector writes nothing any more."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import fresh_postgres

from integrationbus.server.object_view import ByCodeName
from integrationbus.server.target.ledger import SqlLedger
from integrationbus.server.target.sql_target import SqlTarget
from integrationbus.server.task import AttemptOutcome, TaskType

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def servers(
    request: pytest.FixtureRequest, database_url: str, postgres: str, tmp_path: Path, clock: ManualClock
) -> Iterator[tuple[Workbench, Workbench]]:
    """Two of them, with their objects in a database of the kind that the test says."""
    with ExitStack() as stack:
        target_url = f"sqlite:///{tmp_path / 'target.db'}"
        if request.param == "postgresql":
            target_url = stack.enter_context(fresh_postgres(postgres, "target_of_two"))
        first, second = (stack.enter_context(Workbench(database_url, clock, target_url=target_url)) for _ in range(2))
        yield first, second


def outcomes(bus: Workbench, task_id: str) -> list[AttemptOutcome | None]:
    return [attempt.outcome for attempt in bus.store.attempts(task_id)[0]]


def age_of_ada(bus: Workbench) -> tuple[int, object]:
    ada = bus.objects.get("test.person", ByCodeName("Ada"))
    return bus.objects.count("test.person"), ada.fields["age"]


@pytest.mark.parametrize("servers", ["sqlite"], indirect=True)
def test_a_late_write_of_a_stale_holder_is_refused(
    servers: tuple[Workbench, Workbench], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stale, holder = servers
    prepare, at_work, go_on = stale.people.prepare_internal_object, threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> Any:
        at_work.set()
        assert go_on.wait(timeout=30)
        return prepare(*arguments)

    monkeypatch.setattr(stale.people, "prepare_internal_object", slowly)
    [first] = stale.log(new_task({"name": "Ada", "age": 1}))
    stale.dispatcher.tasks_logged(["people"])
    try:
        assert at_work.wait(timeout=10)
        holder.process()
        # With its next batch the holder forgets the result of the first: only its epoch keeps the other out.
        holder.log(new_task({"name": "Ada", "age": 2}, task_type=TaskType.UPDATE_OBJECT))
        holder.process()
    finally:
        go_on.set()
        stale.workers["people"].stop()
    assert "is over in the target" in caplog.text
    assert age_of_ada(holder) == (1, 2)
    assert outcomes(holder, first) == [AttemptOutcome.CRASHED, AttemptOutcome.SUCCEEDED]


@pytest.mark.parametrize("servers", ["postgresql"], indirect=True)
def test_a_write_that_is_under_way_while_another_takes_over_counts_once(
    servers: tuple[Workbench, Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, holder = servers
    apply, take = SqlTarget.apply, SqlLedger.take
    taking = threading.Event()
    successor = threading.Thread(target=holder.process)

    def announced(ledger: SqlLedger, *arguments: Any) -> Any:
        if threading.current_thread().name == "connector people" and successor.is_alive():
            taking.set()
        return take(ledger, *arguments)

    def interrupted(target: SqlTarget, *arguments: Any) -> Sequence[Any]:
        done = apply(target, *arguments)
        if not taking.is_set():
            monkeypatch.setattr(SqlLedger, "take", announced)
            successor.start()
            assert taking.wait(timeout=10)
        return done

    [task_id] = stale.log(new_task({"name": "Ada", "age": 1}))
    monkeypatch.setattr(SqlTarget, "apply", interrupted)
    stale.dispatcher.tasks_logged(["people"])
    holder.wait_until(lambda: holder.states([task_id]), lambda states: states == ["SUCCEEDED"])
    successor.join()
    stale.workers["people"].stop()
    assert age_of_ada(holder) == (1, 1)
    assert outcomes(holder, task_id) == [AttemptOutcome.SUCCEEDED]
    assert len(holder.people.calls) == 0
