"""The commands that look at connectors and objects, against a real server."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.cli import Run, command_line

LOST = "support.nowhere:LostConnector"
CONNECTORS = ["support.people:PeopleConnector", "support.shop:ShopConnector", LOST]
LIVE = {"TTY_COMPATIBLE": "1"}


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Runs a command against a server of this test."""
    async with command_line(tmp_path, CONNECTORS) as invoke:
        yield invoke


async def log(run: Run, name: str) -> None:
    record = json.dumps({"name": name})
    result = await run("log", "people", "create-object", "--record", record, "--external-id", name, "--wait")
    assert result.exit_code == 0, result.output


async def test_a_connector_is_described(run: Run) -> None:
    result = await run("connectors", "describe", "shop")
    assert result.exit_code == 0, result.output
    for text in (
        "shop accepts record, message:integrationbus.examples.iso3166.v1.Country",
        "test.article: object, table test_article, class support.shop:ArticleInfo",
        "REQUIRED_HAS_DEFAULT misc",
        "part test.article through shelf_id, INCREMENTAL",
        "assigned to sites by test.shelfsite",
    ):
        assert text in result.output
    described = json.loads((await run("connectors", "describe", "shop", "--json")).stdout)
    assert [item["object_type"] for item in described["object_types"]][:2] == ["cms.site", "test.article"]


async def test_a_check_exits_with_one_only_when_something_failed(run: Run) -> None:
    shop = await run("connectors", "check", "shop")
    assert (shop.exit_code, "WARNING" in shop.output, "table test_article" in shop.output) == (0, True, True)
    lost = await run("connectors", "check", LOST, "--json")
    assert lost.exit_code == 1
    assert json.loads(lost.stdout)[0]["outcome"] == "FAILED"


async def test_connectors_are_watched_as_lines(run: Run) -> None:
    watched = await run("connectors", "watch", "people", "shop", "--count", "1")
    assert watched.output.splitlines() == [
        "people  IDLE  0 in line  0 waiting  0 succeeded  0 failed",
        "shop  IDLE  0 in line  0 waiting  0 succeeded  0 failed",
    ]
    await run("connectors", "pause", "people", "--reason", "audit")
    watched = await run("connectors", "watch", "--count", "1", "--json")
    states = {item["name"]: item["state"] for item in map(json.loads, watched.stdout.splitlines())}
    assert states == {"people": "PAUSED", "shop": "IDLE", LOST: "UNHEALTHY"}


async def test_connectors_are_watched_as_a_table_on_a_terminal(run: Run) -> None:
    watched = await run("connectors", "watch", "people", "--count", "1", env=LIVE)
    assert watched.exit_code == 0, watched.output
    assert "succeeded" in watched.output
    assert "─" in watched.output


async def test_keys_are_resolved_both_ways(run: Run) -> None:
    await log(run, "Ada")
    forth = await run("objects", "resolve", "people", "test.person", "Ada", "Bob", "--json")
    ada, bob = json.loads(forth.stdout)
    assert (ada["external_ids"], bob["object_id"]) == (["Ada"], None)
    back = await run("objects", "resolve", "people", "test.person", str(ada["object_id"]), "--internal")
    assert (back.exit_code, "Ada" in back.output) == (0, True)


async def test_changes_of_objects_are_watched_from_a_token(run: Run) -> None:
    await log(run, "Ada")
    tasks = await run("watch", "--snapshot", "--count", "1", "--json")
    token = json.loads(tasks.stdout)["resume_token"]
    await log(run, "Bob")
    options = ("--since", token, "--type", "test.person", "--connector", "people", "--count", "1")
    watched = await run("objects", "watch", *options, "--with-objects", "--json")
    line = json.loads(watched.stdout)
    assert (line["change"]["external_id"], line["change"]["effect"]) == ("Bob", "CREATED")
    assert line["change"]["object"]["fields"]["name"] == "Bob"
    assert line["resume_token"] != token
    plain = await run("objects", "watch", *options)
    assert "CREATED" in plain.output
    assert "(Bob)" in plain.output


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["connectors", "describe", LOST], 1, "CONNECTOR_UNHEALTHY"),
        (["connectors", "check", "nobody"], 1, "CONNECTOR_NOT_FOUND"),
        (["connectors", "watch", "nobody"], 1, "CONNECTOR_NOT_FOUND"),
        (["objects", "resolve", "people", "test.person", "x", "--internal"], 2, "no internal id"),
        (["objects", "resolve", "people", "test.dog", "x"], 1, "OBJECT_TYPE_NOT_FOUND"),
        (["objects", "watch", "--type", "test.dog"], 1, "OBJECT_TYPE_NOT_FOUND"),
        (["objects", "watch", "--since", "nonsense"], 1, "resume token"),
    ],
)
async def test_what_cannot_be_done_says_why(run: Run, arguments: list[str], code: int, says: str) -> None:
    result = await run(*arguments)
    assert result.exit_code == code, result.output
    assert says in result.stderr


async def test_a_path_that_was_mistyped_is_gone_with_the_next_start(tmp_path: Path) -> None:
    async with command_line(tmp_path, ["support.people:PeopleConnector", LOST]) as run:
        assert LOST in (await run("connectors")).output
    async with command_line(tmp_path, ["support.people:PeopleConnector"]) as run:
        assert LOST not in (await run("connectors")).output
        assert (await run("notify")).exit_code == 0
