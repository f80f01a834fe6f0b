"""Values of every type: what a column takes, what it refuses, and what is read back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.specimen import PAGE_GUID

from integrationbus.connectors import Reference
from integrationbus.server.object_view import ByGuid
from integrationbus.server.payloads.values import read_record, write_record
from integrationbus.server.task import NewTask, Payload, PayloadForm, ProcessType, TaskType

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GOOD: dict[str, object] = {
    "guid": UUID(int=1),
    "name": "Ada",
    "yes": True,
    "small": -(2**15),
    "big": 2**62 + 1,
    "ratio": 0.1,
    "price": Decimal("12345678901234.5678"),
    "seen": NOON,
    "photo": b"\x00\xff",
}


@pytest.fixture
def specimens(database_url: str, clock: ManualClock) -> Iterator[Workbench]:
    with Workbench(database_url, clock, ("support.specimen:SpecimenConnector",)) as bench:
        yield bench


def specimen(fields: dict[str, object], **options: object) -> NewTask:
    return new_task({"name": "Ada", **fields}, connector="specimen", **options)  # type: ignore[arg-type] # options of new_task


def json_task(fields: dict[str, object]) -> NewTask:
    payload = Payload(
        form=PayloadForm.ENCODED, type_name="application/json", data=json.dumps({"name": "Ada", **fields}).encode()
    )
    return replace(specimen({}), payload=payload)


def test_every_type_of_value_comes_back_exactly(specimens: Workbench) -> None:
    specimens.log(specimen({**GOOD, "born": "1815-12-10"}))
    assert specimens.process("specimen").counts.succeeded == 1
    view = specimens.objects.get("test.specimen", ByGuid(UUID(int=1)))
    assert {name: view.fields[name] for name in GOOD} == GOOD
    assert view.fields["born"] == "1815-12-10"
    assert (view.guid, view.code_name) == (str(UUID(int=1)), "Ada")


def test_values_that_are_written_many_at_a_time_come_back_as_exactly(specimens: Workbench) -> None:
    # A run begins with one task at a time, then two, then four.
    some = [{**GOOD, "guid": UUID(int=number), "name": f"n{number}", "born": "1815-12-10"} for number in range(2, 9)]
    some[4] = {"name": "n6", "ratio": float("inf"), "price": Decimal("-0.5")}
    some[5] = {**some[5], "seen": None, "photo": b""}
    specimens.log(*map(specimen, some))
    assert specimens.process("specimen").counts.succeeded == 7
    for given in some:
        fields = specimens.fields_of("test.specimen", str(given["name"]))
        assert {name: fields[name] for name in given} == given

    rare = {"make": "rare", "digits": UUID(int=5), "more": {"a": [1, None]}, "at": "12:30:00", "kind": "red"}
    specimens.log(*(specimen({**rare, "name": f"r{number}"}) for number in range(4)))
    assert specimens.process("specimen").counts.succeeded == 4
    found = [specimens.fields_of("test.rare", f"r{number}") for number in range(4)]
    assert [(item["digits"], item["more"], str(item["at"]), item["kind"]) for item in found] == [
        (UUID(int=5), {"a": [1, None]}, "12:30:00", "red")
    ] * 4
    assert len({item["mark"] for item in found}) == 4


def test_a_type_of_the_users_own_sees_each_value_and_may_refuse_it(specimens: Workbench) -> None:
    words = ["one", "two", "three", "psst", None, "six"]
    tasks = [
        specimen({"make": "loud", "name": f"w{number}", "word": word}, process_type=ProcessType.SKIP_ON_ERROR)
        for number, word in enumerate(words)
    ]
    specimens.log(*tasks)
    counts = specimens.process("specimen").counts
    assert (counts.succeeded, counts.failed) == (5, 1)
    error = specimens.task(tasks[3].id).last_error
    assert error
    assert (error.reason, "too quiet" in error.message) == ("TARGET_REFUSED", True)
    for number in (0, 1, 2, 4, 5):
        fields = specimens.fields_of("test.loud", f"w{number}")
        assert (fields["word"], fields["level"]) == (words[number] and str(words[number]).upper(), 5)


def test_a_record_holds_every_kind_of_value_and_gives_it_back() -> None:
    fields = {
        **GOOD,
        "nothing": None,
        "while": timedelta(days=1, microseconds=5),
        "key": Reference("7", "cms.user"),
        "many": [1, [True, None], {"deep": "er"}],
    }
    assert read_record(write_record(fields)) == fields
    with pytest.raises(TypeError, match="set"):
        write_record({"x": {1, 2}})


def test_times_of_other_zones_mean_the_same_moment(specimens: Workbench) -> None:
    specimens.log(specimen({"seen": NOON.astimezone(timezone(timedelta(hours=5)))}))
    specimens.process("specimen")
    assert specimens.fields_of("test.specimen", "Ada")["seen"] == NOON


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("yes", 1, "true or false"),
        ("small", 2**15, "16 bits"),
        ("small", "7", "an integer"),
        ("small", True, "an integer"),
        ("name", "x" * 11, "11 characters"),
        ("name", 7, "a text"),
        ("name", "a\0b", "NUL"),
        ("name", None, "must have a value"),
        ("name", "\ud800", "Unicode"),
        ("ratio", "0.1", "a number"),
        ("ratio", 10**400, "too large"),
        ("price", 0.1, "a decimal"),
        ("seen", "noon", "date and time"),
        ("guid", "not a guid", "UUID"),
        ("guid", 7, "UUID"),
        ("photo", "text", "bytes"),
        ("born", 7, "a date"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_alike_on_every_database(
    specimens: Workbench, column: str, value: object, says: str
) -> None:
    # As JSON, which holds more than a record can.
    task = json_task({column: value}) if column in ("name", "ratio") else specimen({column: value})
    specimens.log(task)
    specimens.process("specimen")
    error = specimens.task(task.id).last_error
    assert error
    assert (error.reason, error.field_paths) == ("TARGET_REFUSED", (column,))
    assert says in error.message


@pytest.fixture
def page(specimens: Workbench) -> Workbench:
    """A bus with a page in English."""
    fields = {"make": "page", "document_culture": "en-US", "node_guid": PAGE_GUID, "node_alias": "home"}
    specimens.log(
        new_task({"make": "site", "site_name": "main", "site_display_name": "Main"}, connector="specimen"),
        new_task(
            fields, connector="specimen", site="main", task_type=TaskType.CREATE_DOCUMENT, external_id="by external id"
        ),
    )
    assert specimens.process("specimen").counts.succeeded == 2
    return specimens


@pytest.mark.parametrize("key", ["en-US", "by external id"])
def test_a_key_points_at_a_page(page: Workbench, key: str) -> None:
    page.log(specimen({"page_id": key}))
    assert page.process("specimen").counts.succeeded == 1
    assert page.fields_of("test.specimen", "Ada")["page_id"] == 1


def test_a_page_that_is_not_there_in_that_culture_is_not_found(page: Workbench) -> None:
    task = specimen({"page_id": "de-DE"})
    page.log(task)
    page.process("specimen")
    error = page.task(task.id).last_error
    assert error
    assert (error.reason, error.message) == (
        "KEY_NOT_FOUND",
        "test.specimen.page_id points at page 'de-DE', which does not exist",
    )


def test_what_points_at_a_page_that_is_deleted_goes_with_it(page: Workbench) -> None:
    page.log(specimen({"page_id": "en-US"}))
    fields = {"make": "page", "document_culture": "en-US", "node_guid": PAGE_GUID}
    page.log(new_task(fields, connector="specimen", site="main", task_type=TaskType.DELETE_DOCUMENT))
    assert page.process("specimen").counts.succeeded == 2
    assert page.names("test.specimen") == []
