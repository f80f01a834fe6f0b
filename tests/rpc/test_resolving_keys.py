"""ResolveKeys: both ways, many at once, an answer for each key."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from support.served import Served, refusal_of, serve
from support.specs import person

from integrationbus.v1 import enums_pb2
from integrationbus.v1.notify_service_pb2 import RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.object_service_pb2 import GetObjectRequest, ObjectKey, ResolvedKey, ResolveKeysRequest
from integrationbus.v1.task_pb2 import TaskSpec
from integrationbus.v1.task_service_pb2 import LogTasksRequest

PERSON = "test.person"


@pytest.fixture
async def people(database_url: str) -> AsyncIterator[Served]:
    """A server with two connectors for people, on each kind of database."""
    classes = ["support.people:PeopleConnector", "support.people:NotifiedConnector"]
    async with serve(database_url, classes) as running:
        yield running


async def process(served: Served, *tasks: TaskSpec) -> None:
    for start in range(0, len(tasks), 1000):
        await served.tasks.LogTasks(LogTasksRequest(tasks=tasks[start : start + 1000]))
    request = RequestTasksProcessingRequest(connectors=["notified"])
    [ticket] = (await served.notify.RequestTasksProcessing(request)).tickets
    states = [message.run.state async for message in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id))]
    assert states[-1] == enums_pb2.RUN_STATE_COMPLETED


async def resolve(served: Served, *keys: ObjectKey, connector: str = "notified") -> list[ResolvedKey]:
    return list((await served.objects.ResolveKeys(ResolveKeysRequest(connector=connector, keys=keys))).keys)


def known(**side: str | int) -> ObjectKey:
    return ObjectKey(object_type=PERSON, **side)  # type: ignore[arg-type] # either side


async def test_keys_are_answered_both_ways_in_the_order_of_the_request(people: Served) -> None:
    twin = person("Ada", "notified")
    twin.external_id = "twin"
    await process(people, person("Ada", "notified"), person("Bob", "notified"), twin)
    ids = {}
    for name in ("Ada", "Bob"):
        answer = await people.objects.GetObject(GetObjectRequest(object_type=PERSON, code_name=name))
        ids[name] = answer.object.id
    ada = ResolvedKey(object_type=PERSON, external_ids=["Ada", "twin"], object_id=ids["Ada"])
    bob = ResolvedKey(object_type=PERSON, external_ids=["Bob"], object_id=ids["Bob"])
    found = await resolve(
        people,
        known(object_id=ids["Bob"]),
        known(external_id="twin"),
        known(external_id="nobody"),
        known(object_id=ids["Ada"]),
        known(external_id="Bob"),
        known(object_id=999),
        ObjectKey(object_type="test.team", external_id="Ada"),
        known(external_id="Bob"),
    )
    assert found == [
        bob,
        ada,
        ResolvedKey(object_type=PERSON, external_ids=["nobody"]),
        ada,
        bob,
        ResolvedKey(object_type=PERSON, object_id=999),
        ResolvedKey(object_type="test.team", external_ids=["Ada"]),
        bob,
    ]
    [other] = await resolve(people, known(external_id="Ada"), connector="people")
    assert other.object_id == 0, "each connector has its own external ids"


async def test_a_thousand_keys_are_one_call(people: Served) -> None:
    names = [f"p{number:04}" for number in range(1000)]
    await process(people, *(person(name, "notified") for name in names))
    forth = await resolve(people, *(known(external_id=name) for name in names))
    assert [list(key.external_ids) for key in forth] == [[name] for name in names]
    assert len({key.object_id for key in forth}) == 1000
    back = await resolve(people, *(known(object_id=key.object_id) for key in reversed(forth)))
    assert back == forth[::-1]


async def test_a_deleted_object_is_forgotten(people: Served) -> None:
    deletion = person("Ada", "notified")
    deletion.task_type = enums_pb2.TASK_TYPE_DELETE_OBJECT
    await process(people, person("Ada", "notified"), deletion)
    assert await resolve(people, known(external_id="Ada")) == [ResolvedKey(object_type=PERSON, external_ids=["Ada"])]
    assert await resolve(people) == []


async def test_a_page_is_resolved_to_the_node_of_all_its_cultures(people: Served) -> None:
    site = person("main", "notified", make="site", site_name="main")
    site.payload.record.fields.pop("name")
    pages = [
        person(culture, "notified", make="page", node_alias="home", document_culture=culture)
        for culture in ("en", "de")
    ]
    for page in pages:
        page.payload.record.fields.pop("name")
        page.task_type, page.site, page.external_id = enums_pb2.TASK_TYPE_CREATE_DOCUMENT, "main", "home"
    await process(people, site, *pages)
    [key] = await resolve(people, ObjectKey(object_type="cms.page", external_id="home"))
    with people.app.opened.database.read() as connection:
        assert connection.execute(text("SELECT node_id FROM cms_tree")).scalars().all() == [key.object_id]


@pytest.mark.parametrize(
    ("request_", "code", "reason", "path"),
    [
        (ResolveKeysRequest(connector="nobody"), "NOT_FOUND", "CONNECTOR_NOT_FOUND", ""),
        (ResolveKeysRequest(), "INVALID_ARGUMENT", "INVALID_FIELD", "connector"),
        (
            ResolveKeysRequest(connector="people", keys=[known(object_id=1)] * 1001),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            "keys",
        ),
        (
            ResolveKeysRequest(connector="people", keys=[known(object_id=1), known()]),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            "keys[1]",
        ),
        (
            ResolveKeysRequest(connector="people", keys=[ObjectKey(external_id="1")]),
            "INVALID_ARGUMENT",
            "INVALID_FIELD",
            "keys[0].object_type",
        ),
        (
            ResolveKeysRequest(connector="people", keys=[ObjectKey(object_type="test.dog", external_id="1")]),
            "NOT_FOUND",
            "OBJECT_TYPE_NOT_FOUND",
            "",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    served: Served, request_: ResolveKeysRequest, code: str, reason: str, path: str
) -> None:
    refusal = await refusal_of(served.objects.ResolveKeys(request_))
    assert (refusal.code, refusal.reason, refusal.path) == (code, reason, path)
