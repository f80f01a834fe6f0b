"""How often the connector is called, and what it is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector

from integrationbus.connectors import DocumentParams, ObjectParams, Reference
from integrationbus.server.object_view import ById
from integrationbus.server.payloads.values import write_record
from integrationbus.server.task import (
    MissingKeyAction,
    NewTask,
    Payload,
    PayloadForm,
    ProcessType,
    TaskDataType,
    TaskEffect,
    TaskState,
    TaskType,
)
from integrationbus.v1 import payload_pb2

GUID = UUID(int=7)
DELETE_ON_ERROR, SKIP_ON_ERROR = ProcessType.DELETE_ON_ERROR, ProcessType.SKIP_ON_ERROR


@pytest.fixture
def quick(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus on SQLite with connectors that keep translations, that forget them, and that have keys to pages."""
    names = ("people:PeopleConnector", "people:KeepingConnector", "people:NotifiedConnector")
    paths = [*(f"support.{name}" for name in names), "support.folders:FoldersConnector"]
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, paths) as bus:
        yield bus


def connector(bus: Workbench, name: str = "people") -> PeopleConnector:
    return cast(PeopleConnector, bus.registry.get(name).connector)


def asked(bus: Workbench, method: str, name: str = "people") -> list[object]:
    """What a method of a connector was asked, in order."""
    return [call[1] for call in connector(bus, name).calls if call[0] == method]


def team_of(bus: Workbench, person: str) -> object:
    return bus.fields_of("test.person", person)["team_id"]


def prepared(object_type: str, fields: Mapping[str, object], **options: object) -> NewTask:
    """A task whose object the caller has prepared."""
    message = payload_pb2.PreparedObject(object_type=object_type, fields=write_record(fields))
    payload = Payload(form=PayloadForm.OBJECT, type_name=object_type, data=message.SerializeToString())
    return replace(new_task({}, **options), payload=payload)  # type: ignore[arg-type] # options of new_task


def prepared_page(alias: str) -> NewTask:
    """A task whose page the caller has prepared."""
    message = payload_pb2.PreparedPage(object_type="cms.page", culture="en-US", alias=alias)
    payload = Payload(form=PayloadForm.PAGE, type_name="cms.page", data=message.SerializeToString())
    return replace(new_task({}, task_type=TaskType.CREATE_DOCUMENT, site="main"), payload=payload)


def warm_up(bus: Workbench) -> None:
    """Let batches grow, so that what follows is processed in one."""
    bus.log(*(new_task({"make": "team", "name": f"team {number}"}) for number in range(40)))
    bus.process()


@pytest.mark.parametrize(("name", "team", "questions"), [("keeping", 1, 1), ("notified", 2, 2)])
def test_a_translation_is_kept_over_runs_only_by_a_connector_that_says_so(
    quick: Workbench, name: str, team: int, questions: int
) -> None:
    connector(quick, name).params["T", "test.team"] = ObjectParams(code_name="Tigers")
    quick.log(new_task({"make": "team", "name": "Tigers"}, external_id="1"))
    quick.process()
    quick.log(new_task({"name": "Ada", "team_id": "T"}, connector=name))
    quick.process(name)
    quick.log(
        new_task({"make": "team", "name": "Lions"}, external_id="1"), new_task({"make": "team", "name": "Tigers"})
    )
    quick.process()
    quick.log(new_task({"name": "Bob", "team_id": "T"}, connector=name))
    quick.process(name)
    assert (team_of(quick, "Ada"), team_of(quick, "Bob")) == (1, team)
    assert asked(quick, "object_params", name) == [("T", "test.team")] * questions


def test_a_connector_that_keeps_translations_is_asked_anew_after_a_failure(quick: Workbench) -> None:
    connector(quick, "keeping").params["T", "test.team"] = ObjectParams(code_name="Tigers")
    quick.log(new_task({"make": "team", "name": "Tigers"}), new_task({"make": "team", "name": "Lions"}))
    quick.process()
    bob = {"name": "Bob", "team_id": "T"}
    lost = new_task({"name": "Cy", "boss_id": "9"}, connector="keeping", process_type=DELETE_ON_ERROR)
    quick.log(new_task({"name": "Ada", "team_id": "T"}, connector="keeping"), lost)
    quick.process("keeping")
    connector(quick, "keeping").params["T", "test.team"] = ObjectParams(code_name="Lions")
    quick.log(new_task(bob, connector="keeping"))
    quick.process("keeping")
    assert (team_of(quick, "Ada"), team_of(quick, "Bob")) == (1, 2)


def test_a_kept_translation_of_what_another_connector_deleted_is_no_error(bus_of_two: Workbench) -> None:
    bus = bus_of_two
    connector(bus, "keeping").params["T", "test.team"] = ObjectParams(code_name="Tigers")
    tigers = new_task({"make": "team", "name": "Tigers"})
    bus.log(tigers)
    bus.process()
    bus.log(new_task({"name": "Ada", "team_id": "T"}, connector="keeping"))
    bus.process("keeping")
    bus.log(
        new_task({"make": "team", "name": "nobody"}), replace(tigers, id=str(GUID), task_type=TaskType.DELETE_OBJECT)
    )
    bus.process()
    bob = new_task({"name": "Bob", "team_id": "T"}, connector="keeping")
    bus.log(bob)
    bus.process("keeping")
    result = bus.task(bob.id).result
    assert result, bus.task(bob.id).last_error
    assert result.notes == ("test.person.team_id was set to the default 'nobody': there is no test.team 'T'",)


@pytest.fixture
def bus_of_two(database_url: str, clock: ManualClock) -> Iterator[Workbench]:
    """A bus with two connectors, one of which keeps translations."""
    with Workbench(database_url, clock, ["support.people:PeopleConnector", "support.people:KeepingConnector"]) as bus:
        yield bus


def test_an_object_is_prepared_once_for_each_attempt(quick: Workbench) -> None:
    warm_up(quick)
    connector(quick).failures_left = 2
    tasks = {
        name: new_task({"name": name, **fields}, process_type=SKIP_ON_ERROR, missing_key=missing_key)
        for name, fields, missing_key in (
            ("good", {}, None),
            ("bad", {"boss_id": "9"}, None),
            ("too old", {"age": 2**40}, None),
            ("waiting", {"boss_id": "9"}, MissingKeyAction.WAIT),
            ("again", {"do": "retry"}, None),
        )
    }
    quick.log(*tasks.values())
    quick.process()
    boss = new_task({"name": "boss"}, external_id="9")
    quick.log(boss)
    quick.process()
    assert quick.settled(tasks["waiting"].id).state is TaskState.SUCCEEDED
    prepared_names = [cast(Mapping[str, object], call)["name"] for call in asked(quick, "prepare")]
    attempts = {name: quick.task(task.id).attempt_count for name, task in tasks.items()}
    assert {name: prepared_names.count(name) for name in tasks} == attempts
    assert attempts == {"good": 1, "bad": 2, "too old": 2, "waiting": 2, "again": 3}


@pytest.mark.parametrize("data_type", [TaskDataType.SIMPLE, TaskDataType.SIMPLE_SNAPSHOT])
def test_what_the_caller_prepared_is_not_prepared_again(quick: Workbench, data_type: TaskDataType) -> None:
    translated = data_type.translates_keys
    connector(quick).params["T", "test.team"] = ObjectParams(code_name="Tigers")
    team: object = Reference("T") if translated else 1
    quick.log(
        prepared("test.team", {"name": "Tigers"}, data_type=data_type),
        prepared("test.person", {"name": "Ada", "team_id": team}, data_type=data_type),
        prepared("cms.site", {"site_name": "main"}),
        prepared_page("a"),
    )
    assert quick.process().counts.succeeded == 4
    assert team_of(quick, "Ada") == 1
    assert quick.names("cms.page") == ["/a"]
    assert asked(quick, "prepare") == []
    assert asked(quick, "object_params") == ([("T", "test.team")] if translated else [])


def test_each_distinct_key_is_asked_for_once_a_run_whatever_fails_meanwhile(quick: Workbench) -> None:
    bad = {"name": "x" * 60, "boss_id": 5, "team_id": "5"}
    quick.log(new_task({"make": "team", "name": "five"}, external_id="5"), new_task({"name": "boss"}, external_id="5"))
    for number in range(5):
        fields = {"name": f"p{number}", "boss_id": 5 if number % 2 else "5", "team_id": 5}
        quick.log(new_task(fields), new_task(bad, process_type=DELETE_ON_ERROR))
    run = quick.process()
    assert (run.counts.succeeded, run.counts.deleted) == (7, 5)
    assert asked(quick, "object_params") == [("5", "test.person"), (5, "test.team")]


def test_each_distinct_key_to_a_page_is_asked_for_once_a_run_for_each_class_that_holds_it(quick: Workbench) -> None:
    def page(alias: str, **fields: object) -> NewTask:
        return new_task(
            {"make": "page", "document_culture": "en-US", "node_alias": alias, **fields},
            connector="folders",
            task_type=TaskType.CREATE_DOCUMENT,
            site="main",
        )

    def note(title: str, page_id: str) -> NewTask:
        fields = {"make": "note", "title": title, "folder_id": "f", "page_id": page_id}
        return new_task(fields, connector="folders")

    params = connector(quick, "folders").params
    params["7", "cms.page"] = DocumentParams(node_guid=GUID, culture_code="en-US", site_name="main")
    quick.log(
        new_task({"make": "site", "site_name": "main"}, connector="folders"),
        new_task({"name": "folder"}, connector="folders", external_id="f"),
        replace(page("a", node_guid=GUID), external_id="a"),
        replace(page("b"), external_id="7"),
        *(page(f"p{number}", node_parent_id="7") for number in range(3)),
        *(note(f"n{number}", "7") for number in range(3)),
        note("other", "a"),
    )
    assert quick.process("folders").counts.succeeded == 11
    expected = [("7", "cms.page"), ("7", "test.note"), ("a", "test.note")]
    assert asked(quick, "document_params", "folders") == expected
    assert "/a/p2" in quick.names("cms.page"), "the parent is what the connector says of keys in pages"
    quick.log(page("q", node_parent_id="7"))
    quick.process("folders")
    assert asked(quick, "document_params", "folders") == [*expected, ("7", "cms.page")]


@pytest.mark.parametrize(
    ("site", "problem"),
    [
        ("main", ""),
        ("blog", "test.note.page_id points at page 'x', which does not exist"),
        ("shop", "test.note.page_id points at page 'x', which does not exist: its site, cms.site 'shop', is missing"),
    ],
)
def test_a_key_to_a_page_is_looked_for_on_the_site_that_the_connector_says(
    quick: Workbench, site: str, problem: str
) -> None:
    connector(quick, "folders").params["x", "test.note"] = DocumentParams(
        node_guid=GUID, culture_code="en-US", site_name=site
    )
    page = {"make": "page", "document_culture": "en-US", "node_alias": "a", "node_guid": GUID}
    note = new_task({"make": "note", "title": "n", "folder_id": "f", "page_id": "x"}, connector="folders")
    quick.log(
        *(new_task({"make": "site", "site_name": name}, connector="folders") for name in ("main", "blog")),
        new_task({"name": "folder"}, connector="folders", external_id="f"),
        new_task(page, connector="folders", task_type=TaskType.CREATE_DOCUMENT, site="main"),
        note,
    )
    quick.process("folders")
    done = quick.task(note.id)
    assert (done.last_error.message if done.last_error else "") == problem
    if not problem:
        assert done.result
        assert done.result.effect is TaskEffect.CREATED
        assert quick.objects.get("test.note", ById(done.result.object_id)).fields["page_id"] == 1
