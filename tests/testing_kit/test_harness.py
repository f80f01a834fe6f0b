"""The bus for the tests of one connector."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.misfits import BadCron, Raising, Unnamed
from support.people import PatientConnector as WaitingConnector
from support.people import PeopleConnector

from integrationbus.client import (
    Encoded,
    HeadAction,
    Json,
    NewTask,
    Payload,
    PreparedObject,
    ProcessType,
    Run,
    RunState,
    Task,
    TaskEffect,
    TaskState,
    TaskType,
)
from integrationbus.connectors import Accepts, IntegrationConnector, RetryPolicy, TaskDataType
from integrationbus.connectors.cms import UserInfo
from integrationbus.connectors.iso3166 import Iso3166Connector
from integrationbus.examples.iso3166.v1.country_pb2 import Country
from integrationbus.server.errors import ConnectorUnhealthy, InvalidRequest, ObjectNotFound, TaskNotFound
from integrationbus.server.testing import ConnectorHarness, ManualClock

CREATE = TaskType.CREATE_OBJECT


class PatientConnector(PeopleConnector):
    """Tries again after an hour."""

    retry = RetryPolicy(max_attempts=2, initial_delay=timedelta(hours=1), max_delay=timedelta(hours=1))


@dataclass(frozen=True)
class Person:
    """What a caller may send instead of a mapping."""

    name: str


@pytest.fixture
def bus() -> Iterator[ConnectorHarness]:
    with ConnectorHarness(PeopleConnector) as harness:
        yield harness


def test_a_task_is_processed_and_its_object_read_back(database_url: str) -> None:
    with ConnectorHarness(PeopleConnector, database_url=database_url) as bus:
        task = bus.process(CREATE, {"name": "Ada", "age": 36}, external_id=7)
        assert isinstance(task, Task)
        assert (task.state, task.title, task.payload) == (
            TaskState.SUCCEEDED,
            "Create object 7",
            {"name": "Ada", "age": 36},
        )
        assert task.result
        found = bus.object("test.person", external_id=7)
        assert (found.id, found.fields["age"]) == (task.result.object_id, 36)
        assert bus.object("test.person", "Ada") == bus.object("test.person", found.id) == found
        assert bus.objects("test.person") == [found]


@pytest.mark.parametrize(
    "payload",
    [
        {"name": "Ada"},
        Person("Ada"),
        Json({"name": "Ada"}),
        Encoded("application/vnd.people+json", b'{"name": "Ada"}'),
        PreparedObject("test.person", {"name": "Ada"}),
    ],
)
def test_every_payload_of_the_client_is_taken(bus: ConnectorHarness, payload: Payload) -> None:
    bus.succeed(CREATE, payload)
    assert [person.code_name for person in bus.objects("test.person")] == ["Ada"]


def test_a_message_reaches_the_connector() -> None:
    austria = Country(alpha_2="AT", alpha_3="AUT", numeric="040", name="Austria", flag="AT")
    with ConnectorHarness(Iso3166Connector) as bus:
        bus.succeed(CREATE, austria, external_id="AT")
        assert bus.object("iso3166.country", "AT").fields["name"] == "Austria"


def test_a_class_that_cannot_be_imported_is_as_good_as_any() -> None:
    class Local(IntegrationConnector):
        name = "local"
        object_classes = (UserInfo,)

        def prepare_internal_object(
            self, obj: Any, task_type: Any, data_type: TaskDataType, site_name: str | None
        ) -> UserInfo:
            return UserInfo(user_name=obj["login"], user_guid=UUID(int=5))

    with ConnectorHarness(Local) as bus:
        bus.succeed(CREATE, {"login": "ada"})
        assert bus.object("cms.user", UUID(int=5)).code_name == "ada"


def test_tasks_wait_until_they_are_told_to_run(bus: ConnectorHarness) -> None:
    tasks = bus.log_tasks([NewTask("people", CREATE, {"name": name}, external_id=name) for name in ("a", "b")])
    last = bus.log_task(CREATE, {"name": "c"}, external_id="c")
    assert [task.state for task in (*tasks, last)] == [TaskState.PENDING] * 3
    assert bus.objects("test.person") == []
    run = bus.run()
    assert isinstance(run, Run)
    assert (run.state, run.counts.succeeded, run.remaining) == (RunState.COMPLETED, 3, 0)
    assert [task.external_id for task in bus.tasks()] == ["a", "b", "c"]
    assert [task.id for task in bus.tasks(external_ids="b")] == [tasks[1].id]


def test_nothing_is_cut_off_at_the_end_of_a_page(bus: ConnectorHarness) -> None:
    bus.log_tasks(NewTask("people", CREATE, {"name": f"p{number:04}"}) for number in range(501))
    bus.run()
    assert len(bus.tasks()) == 501
    assert [person.code_name for person in bus.objects("test.person")] == [f"p{number:04}" for number in range(501)]


def test_tasks_that_the_server_would_refuse_are_refused(bus: ConnectorHarness) -> None:
    with pytest.raises(InvalidRequest, match=r"people makes no test\.nothing"):
        bus.log_task(CREATE, {"name": "Ada"}, object_type="test.nothing")
    assert bus.tasks() == []


def test_a_failed_task_halts_the_connector_until_it_is_resumed(bus: ConnectorHarness) -> None:
    failed = bus.process(CREATE, {"do": "raise"}, external_id=1)
    assert failed.state is TaskState.FAILED
    assert failed.last_error
    assert (failed.last_error.reason, failed.last_error.message) == (
        "CONNECTOR_FAILED",
        "prepare_internal_object raised ValueError: no such luck",
    )
    waiting = bus.process(CREATE, {"name": "Ada"})
    assert (waiting.state, waiting.blocked_by) == (TaskState.PENDING, failed.id)
    assert (bus.run().state, bus.run().remaining) == (RunState.HALTED, 1)
    again = bus.resume()
    assert (again.state, again.halted_by) == (RunState.HALTED, failed.id)
    assert bus.resume(HeadAction.DELETE).state is RunState.COMPLETED
    assert [task.state for task in bus.tasks()] == [TaskState.DELETED, TaskState.SUCCEEDED]


def test_a_retry_waits_for_the_clock_of_the_test() -> None:
    with ConnectorHarness(PatientConnector) as bus:
        assert isinstance(bus.connector, PatientConnector)
        bus.connector.failures_left = 1
        task = bus.process(CREATE, {"do": "retry", "name": "Ada"})
        assert (task.state, task.next_attempt_at) == (TaskState.RETRY_WAIT, bus.clock.now() + timedelta(hours=1))
        bus.clock.advance(timedelta(minutes=59))
        assert bus.run().state is RunState.STOPPED
        assert bus.task(task.id).attempts == 1
        bus.clock.advance(timedelta(minutes=1))
        assert bus.run().state is RunState.COMPLETED
        assert (bus.task(task.id).state, bus.task(task.id).attempts) == (TaskState.SUCCEEDED, 2)


def test_a_task_that_should_succeed_says_why_it_did_not(bus: ConnectorHarness) -> None:
    with pytest.raises(AssertionError) as raised:
        bus.succeed(CREATE, {"name": "Ada", "nose": 1}, external_id=7)
    assert str(raised.value) == (
        "'Create object 7' is FAILED after 1 attempts; CONNECTOR_FAILED in PREPARE: prepare_internal_object raised "
        "TypeError: 'nose' is an invalid keyword argument for PersonInfo"
    )
    [failed] = bus.tasks()
    with pytest.raises(AssertionError, match=f"waits behind task {failed.id}, which failed"):
        bus.succeed(CREATE, {"name": "Bob"})


def test_the_fields_at_fault_and_the_next_attempt_are_named() -> None:
    with ConnectorHarness(PatientConnector) as bus:
        with pytest.raises(AssertionError, match=r"WRONG_OBJECT in PREPARE: .* \(fields: friend_id\)"):
            bus.succeed(CREATE, {"name": "Ada", "friend_id": 1.5}, process_type=ProcessType.DELETE_ON_ERROR)
        assert isinstance(bus.connector, PatientConnector)
        bus.connector.failures_left = 1
        with pytest.raises(AssertionError, match="the next attempt is due at 2026-01-01 01:00:00"):
            bus.succeed(CREATE, {"do": "retry", "name": "Ada"})


def test_a_task_waits_for_a_missing_key_until_its_target_is_made() -> None:
    with ConnectorHarness(WaitingConnector) as bus:
        early = bus.process(CREATE, {"name": "Ada", "boss_id": 9}, external_id=7)
        assert early.state is TaskState.WAITING
        assert early.wait_deadline == bus.clock.now() + timedelta(hours=1)
        boss = bus.succeed(CREATE, {"name": "Eve"}, external_id=9)
        assert boss.result
        assert bus.task(early.id).state is TaskState.SUCCEEDED
        assert bus.object("test.person", "Ada").fields["boss_id"] == boss.result.object_id


def test_a_task_that_waits_says_for_what_and_how_long() -> None:
    with ConnectorHarness(WaitingConnector) as bus:
        with pytest.raises(AssertionError) as raised:
            bus.succeed(CREATE, {"name": "Ada", "boss_id": 9}, external_id=7)
        said = str(raised.value)
        assert said.startswith("'Create object 7' is WAITING after 1 attempts; KEY_NOT_FOUND in TRANSLATE: ")
        assert said.endswith(
            "it waits for test.person '9' in boss_id; it fails if it still waits at 2026-01-01 01:00:00+00:00"
        )
        [waiting] = bus.tasks()
        with pytest.raises(AssertionError, match=f"waits behind task {waiting.id}, which waits as well"):
            bus.succeed(TaskType.UPDATE_OBJECT, {"name": "Ada"}, external_id=7)
        bus.clock.advance(timedelta(hours=1))
        bus.run()
        assert bus.task(waiting.id).state is TaskState.FAILED


def test_a_deletion_is_a_task_like_any_other(bus: ConnectorHarness) -> None:
    bus.succeed(CREATE, {"name": "Ada"}, external_id=7)
    task = bus.succeed(TaskType.DELETE_OBJECT, {"name": "Ada"}, external_id=7)
    assert task.result
    assert task.result.effect is TaskEffect.DELETED
    with pytest.raises(ObjectNotFound):
        bus.object("test.person", external_id=7)


def test_what_the_connector_needs_can_be_given(bus: ConnectorHarness) -> None:
    site = bus.given("cms.site", {"site_name": "main"}, external_id="s1")
    assert (site.code_name, bus.tasks()) == ("main", [])
    page = {"make": "page", "document_culture": "en", "title": "News", "node_alias": "news"}
    bus.succeed(TaskType.CREATE_DOCUMENT, page, site="main")
    assert bus.object("cms.page", "/news").fields["title"] == "News"


def test_what_cannot_be_given_says_why_and_holds_nothing_up(bus: ConnectorHarness) -> None:
    with pytest.raises(AssertionError, match="IDENTITY_MISSING"):
        bus.given("cms.site", {})
    assert bus.given("cms.site", {"site_name": "main"}).code_name == "main"


@pytest.mark.parametrize(
    ("connector", "problem"),
    [
        (Raising, "support.misfits:Raising cannot be used: RuntimeError: no configuration"),
        (Unnamed, "name must be"),
        (BadCron, "Wrong number of fields"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused(connector: type[IntegrationConnector], problem: str) -> None:
    with pytest.raises(ConnectorUnhealthy, match=problem):
        ConnectorHarness(connector)


def test_the_database_goes_with_the_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ConnectorHarness(PeopleConnector):
        assert list(tmp_path.rglob("*.db"))
    with pytest.raises(ConnectorUnhealthy):
        ConnectorHarness(BadCron)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_the_author_is_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    with ConnectorHarness(PeopleConnector, database_url=url) as bus:
        task = bus.succeed(CREATE, {"name": "Ada"})
    with ConnectorHarness(PeopleConnector, database_url=url) as bus:
        assert bus.task(task.id).state is TaskState.SUCCEEDED


def test_a_key_is_one_key(bus: ConnectorHarness) -> None:
    with pytest.raises(ValueError, match="one of them"):
        bus.object("test.person")
    with pytest.raises(ValueError, match="one of them"):
        bus.object("test.person", "Ada", external_id=7)
    with pytest.raises(TaskNotFound):
        bus.task("no such task")


def test_the_connector_may_be_narrow() -> None:
    class Narrow(PeopleConnector):
        accepts = Accepts(record=False, prepared=False)

    with ConnectorHarness(Narrow) as bus, pytest.raises(InvalidRequest, match="does not take records"):
        bus.process(CREATE, {"name": "Ada"})


def test_time_is_what_the_test_says() -> None:
    clock = ManualClock(datetime(2030, 5, 1, tzinfo=UTC))
    with ConnectorHarness(PeopleConnector, clock=clock) as bus:
        bus.clock.advance(timedelta(days=1))
        assert bus.process(CREATE, {"name": "Ada"}).logged_at == datetime(2030, 5, 2, tzinfo=UTC)
    assert clock.monotonic() == 86400
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(seconds=-1))
