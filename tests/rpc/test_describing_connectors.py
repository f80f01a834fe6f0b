"""DescribeConnector and CheckConnector: what a connector makes, and what keeps it from working."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from support.served import Served, refusal_of, serve
from support.specs import person

from integrationbus.v1 import enums_pb2
from integrationbus.v1.connector_service_pb2 import (
    CheckConnectorRequest,
    ConnectorCheck,
    DescribeConnectorRequest,
    FieldDescription,
    GetConnectorRequest,
    ObjectTypeDescription,
    PartDescription,
    PauseConnectorRequest,
)
from integrationbus.v1.notify_service_pb2 import RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.task_service_pb2 import LogTaskRequest

PASSED, WARNING, FAILED = (
    enums_pb2.CHECK_OUTCOME_PASSED,
    enums_pb2.CHECK_OUTCOME_WARNING,
    enums_pb2.CHECK_OUTCOME_FAILED,
)
LOST = "support.nowhere:LostConnector"
CONNECTORS = (
    "support.shop:ShopConnector",
    "support.people:NotifiedConnector",
    "support.misfits:BadCron",
    "support.misfits:Doubled",
    LOST,
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Served]:
    """A server with the shop on each kind of database, and connectors that cannot be used."""
    async with serve(database_url, CONNECTORS) as running:
        yield running


async def checks_of(served: Served, name: str) -> dict[str, ConnectorCheck]:
    answer = await served.connectors.CheckConnector(CheckConnectorRequest(name=name))
    return {check.subject: check for check in answer.checks}


async def process(served: Served, name: str) -> None:
    request = RequestTasksProcessingRequest(connectors=[name])
    [ticket] = (await served.notify.RequestTasksProcessing(request)).tickets
    async for _ in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id)):
        pass


def execute(served: Served, statement: str) -> None:
    with served.app.opened.database.write() as connection:
        connection.execute(text(statement))


async def test_a_description_shows_columns_keys_parts_and_roles(shop: Served) -> None:
    answer = await shop.connectors.DescribeConnector(DescribeConnectorRequest(name="shop"))
    assert answer.connector == (await shop.connectors.GetConnector(GetConnectorRequest(name="shop"))).connector
    types = {item.object_type: item for item in answer.object_types}
    assert list(types) == ["cms.site", "test.article", "test.shelf", "test.shelfsite"]
    assert types["test.article"] == ObjectTypeDescription(
        object_type="test.article",
        class_path="support.shop:ArticleInfo",
        table="test_article",
        roles={"guid": "guid", "parent": "shelf_id"},
        fields=[
            FieldDescription(name="article_id", type="INTEGER", has_default=True),
            FieldDescription(name="guid", type="CHAR(32)", has_default=True),
            FieldDescription(name="price", type="NUMERIC(10, 2)"),
            FieldDescription(
                name="shelf_id", type="INTEGER", target_type="test.shelf", dependency=enums_pb2.DEPENDENCY_REQUIRED
            ),
            FieldDescription(
                name="spare_shelf_id",
                type="INTEGER",
                nullable=True,
                has_default=True,
                target_type="test.shelf",
                dependency=enums_pb2.DEPENDENCY_REQUIRED_HAS_DEFAULT,
                default_code_name="misc",
            ),
            FieldDescription(
                name="page_id",
                type="INTEGER",
                nullable=True,
                has_default=True,
                target_type="page",
                dependency=enums_pb2.DEPENDENCY_NOT_REQUIRED,
            ),
            FieldDescription(
                name="ledger_id",
                type="INTEGER",
                nullable=True,
                has_default=True,
                dependency=enums_pb2.DEPENDENCY_NOT_REQUIRED,
            ),
        ],
    )
    assert list(types["test.shelf"].parts) == [
        PartDescription(
            object_type="test.article", through="shelf_id", handling=enums_pb2.SNAPSHOT_HANDLING_INCREMENTAL
        ),
        PartDescription(
            object_type="test.shelfsite", through="shelf_id", handling=enums_pb2.SNAPSHOT_HANDLING_COMPLETE
        ),
    ]
    assert types["test.shelf"].site_binding == "test.shelfsite"
    assert types["test.shelfsite"].fields[1].dependency == enums_pb2.DEPENDENCY_BINDING
    page = (await shop.connectors.DescribeConnector(DescribeConnectorRequest(name="notified"))).object_types[0]
    assert (page.object_type, page.is_page) == ("cms.page", True)


async def test_only_a_connector_that_could_be_loaded_is_described(served: Served) -> None:
    refusal = await refusal_of(served.connectors.DescribeConnector(DescribeConnectorRequest(name=LOST)))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "CONNECTOR_UNHEALTHY")
    assert "support.nowhere" in refusal.message
    for call in (
        served.connectors.DescribeConnector(DescribeConnectorRequest(name="nobody")),
        served.connectors.CheckConnector(CheckConnectorRequest(name="nobody")),
    ):
        refusal = await refusal_of(call)
        assert (refusal.code, refusal.reason) == ("NOT_FOUND", "CONNECTOR_NOT_FOUND")


async def test_a_check_finds_what_deserves_a_look_and_passes_the_rest(shop: Served) -> None:
    checks = await checks_of(shop, "shop")
    schedule = next(subject for subject in checks if subject.startswith("schedule"))
    assert schedule.startswith("schedule every 1:00:00, next due 2")
    assert list(checks) == [
        "class support.shop:ShopConnector",
        "switch",
        "switches of the bus",
        "pause",
        "halt",
        schedule,
        "message integrationbus.examples.iso3166.v1.Country",
        "table cms_site",
        "table test_article",
        "table test_shelf",
        "table test_shelf_site",
        "foreign key test.article.shelf_id",
        "foreign key test.article.spare_shelf_id",
        "foreign key test.article.page_id",
        "foreign key test.article.ledger_id",
        "foreign key test.shelfsite.shelf_id",
        "foreign key test.shelfsite.site_id",
        "default object test.shelf 'misc'",
    ]
    warnings = {subject: check.message for subject, check in checks.items() if check.outcome == WARNING}
    assert list(warnings) == ["foreign key test.article.ledger_id", "default object test.shelf 'misc'"]
    assert "test_ledger is of no class" in warnings["foreign key test.article.ledger_id"]
    assert "create it" in warnings["default object test.shelf 'misc'"]
    assert all(bool(check.message) == (check.outcome != PASSED) for check in checks.values())


async def test_a_default_object_passes_once_it_is_there_and_alone(shop: Served) -> None:
    await shop.tasks.LogTask(LogTaskRequest(task=person("misc", "shop")))
    await process(shop, "shop")
    assert (await checks_of(shop, "shop"))["default object test.shelf 'misc'"].outcome == PASSED
    execute(shop, "INSERT INTO test_shelf (shelf_id, name) VALUES (1000, 'misc')")
    check = (await checks_of(shop, "shop"))["default object test.shelf 'misc'"]
    assert (check.outcome, "KEY_AMBIGUOUS" in check.message) == (WARNING, True)


async def test_tables_that_changed_since_the_start_fail_and_nothing_is_repaired(shop: Served) -> None:
    execute(shop, "ALTER TABLE test_shelf RENAME COLUMN name TO title")
    execute(shop, "ALTER TABLE test_ledger RENAME TO test_old_ledger")
    execute(shop, "DROP TABLE test_shelf_site")
    for _ in range(2):
        checks = await checks_of(shop, "shop")
        failed = {subject: check.message for subject, check in checks.items() if check.outcome == FAILED}
        assert list(failed) == [
            "table test_shelf",
            "table test_shelf_site",
            "foreign key test.article.ledger_id",
            "default object test.shelf 'misc'",
        ]
        assert "no column name" in failed["table test_shelf"]
        assert "no such table" in failed["table test_shelf_site"]


async def test_what_holds_a_connector_is_a_warning_that_says_how_to_go_on(shop: Served) -> None:
    await shop.tasks.LogTask(LogTaskRequest(task=person("Ada", "notified", do="raise")))
    await process(shop, "notified")
    request = PauseConnectorRequest(name="notified", reason="audit")
    await shop.connectors.PauseConnector(request, metadata=[("integrationbus-application", "ops")])
    checks = await checks_of(shop, "notified")
    held = {subject: check.message for subject, check in checks.items() if check.outcome == WARNING}
    assert held.pop("pause") == "paused by ops (audit); go on with: integrationbus connectors resume notified"
    assert "--head retry, skip or delete" in held.pop("halt")
    assert set(held) == {"default object test.team 'nobody'"}
    execute(shop, "UPDATE connector SET enabled = false, disabled_by = 'ops' WHERE name = 'notified'")
    assert (await checks_of(shop, "notified"))["switch"].outcome == WARNING


async def test_a_connector_that_cannot_be_used_says_why_and_is_checked_as_far_as_it_goes(shop: Served) -> None:
    lost = await checks_of(shop, LOST)
    assert list(lost) == [f"class {LOST}", "switch", "switches of the bus", "pause", "halt"]
    assert lost[f"class {LOST}"].outcome == FAILED
    assert "No module named" in lost[f"class {LOST}"].message
    cron = await checks_of(shop, "badcron")
    failed = {subject: check.message for subject, check in cron.items() if check.outcome == FAILED}
    assert list(failed) == ["class support.misfits:BadCron", "schedule every full moon (UTC)"]
    assert "Wrong number of fields" in failed["schedule every full moon (UTC)"]


async def test_of_two_messages_of_one_name_the_second_is_never_found(shop: Served) -> None:
    answer = await shop.connectors.CheckConnector(CheckConnectorRequest(name="doubled"))
    messages = [check for check in answer.checks if check.subject.startswith("message")]
    assert [check.outcome for check in messages] == [PASSED, FAILED]
    assert "keep one of them" in messages[1].message


async def test_a_connector_that_another_process_put_on_record_is_checked_too(shop: Served) -> None:
    shop.app.opened.store.register_connectors({"other": "other:Other"})
    checks = await checks_of(shop, "other")
    assert "this server was not started with it" in checks["class other:Other"].message
    refusal = await refusal_of(shop.connectors.DescribeConnector(DescribeConnectorRequest(name="other")))
    assert refusal.reason == "CONNECTOR_UNHEALTHY"
