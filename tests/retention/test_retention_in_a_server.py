"""Retention as clients meet it: a whole server whose clock has gone on."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from pydantic import ValidationError
from support.bench import Workbench, new_task
from support.books import problems_of_the_books
from support.clocks import ManualClock
from typer.testing import CliRunner

from integrationbus.client import AsyncClient, NotFound, ResumeToken, TaskType, TokenExpired
from integrationbus.server.app import App
from integrationbus.server.cli.commands import app
from integrationbus.server.clock import SystemClock
from integrationbus.server.purger import Purger
from integrationbus.server.retention import Purged, Retention
from integrationbus.server.settings import Settings

DAY = timedelta(days=1)
SHORT = Retention(succeeded=DAY, failed=DAY, deleted=DAY, events=DAY, request_ids=DAY, runs=DAY)


@asynccontextmanager
async def server(url: str, clock: ManualClock) -> AsyncIterator[tuple[App, AsyncClient]]:
    """A server with the retention that it has when nobody says anything."""
    connectors = ("support.people:PeopleConnector", "support.people:NotifiedConnector")
    bus = App(Settings(database_url=url, listen="127.0.0.1:0", connectors=connectors, use_entry_points=False), clock)
    port = await bus.start()
    try:
        async with AsyncClient(f"127.0.0.1:{port}", application="tests") as client:
            yield bus, client
    finally:
        await bus.stop()


async def test_a_server_purges_by_itself_and_says_what_is_gone(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock) as bench:
        [old] = bench.log(new_task({"name": "Ada"}, external_id="1"))
        bench.process()
        store_id = bench.store.store_id
    clock.advance(100 * DAY)
    async with server(database_url, clock) as (bus, client):
        async with asyncio.timeout(30):
            async for connectors in client.watch_connectors("people", interval=0.1):
                if connectors[0].counts.succeeded == 0:
                    break
        with pytest.raises(NotFound):
            await client.get_task(old)
        assert (await client.server_info()).retention.succeeded == 30 * DAY
        assert [person.code_name async for person in client.list_objects("test.person")] == ["Ada"]
        gone, newest = ResumeToken(store_id, {"people": 1}), ResumeToken(store_id, {"people": 3})
        for watch in (
            client.watch(since=gone, connectors="people"),
            client.watch_objects("test.person", "people", since=gone),
        ):
            with pytest.raises(TokenExpired, match="changes of people after 1 are gone"):
                async with watch:
                    pass
        # Other connectors go on as they are named, and the feed of this one goes on behind its floor.
        with pytest.raises(TokenExpired, match="does not name people, whose first changes are gone"):
            async with client.watch(since=ResumeToken(store_id, {"notified": 0})):
                pass
        receipt = await client.log_task("people", TaskType.CREATE_OBJECT, {"name": "Bob"}, external_id=2)
        assert receipt.sequence == 2
        async with client.watch(since=newest, connectors="people") as changes:
            assert (await anext(changes)).sequence == 2
        assert problems_of_the_books(bus.opened.database) == []


async def test_a_page_token_leads_on_although_its_page_was_purged(tmp_path: Path, clock: ManualClock) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    async with server(url, clock) as (bus, client):
        await client.pause_connector("people")
        ids = [(await client.log_task("people", TaskType.CREATE_OBJECT, {"name": str(n)})).id for n in range(4)]
        await client.delete_tasks(task_ids=ids[:3])
        tasks = client.list_tasks(page_size=2, newest_first=False)
        assert [(await anext(tasks)).id, (await anext(tasks)).id] == ids[:2]
        clock.advance(2 * DAY)
        assert Purger(bus.opened.store, SHORT).sweep().tasks == 3
        assert [task.id async for task in tasks] == ids[3:]


def test_several_servers_may_purge_one_database_while_it_is_in_use(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock) as bus:
        bus.log(*(new_task({"name": f"p{number}"}) for number in range(600)))
        bus.process()
        clock.advance(2 * DAY)
        together, found = Barrier(3), []

        def sweep() -> None:
            together.wait()
            found.append(Purger(bus.store, SHORT).sweep())

        threads = [Thread(target=sweep) for _ in range(2)]
        for thread in threads:
            thread.start()
        together.wait()
        for number in range(20):
            bus.log(new_task({"name": f"q{number}"}))
        assert bus.process().counts.succeeded == 20
        for thread in threads:
            thread.join()
        assert sum(found, Purged()).tasks == 600
        assert problems_of_the_books(bus.database) == []
        assert len(bus.all_tasks()) == 20


def test_the_command_purges_once_and_leaves_a_database_in_use_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"

    def purge(**retained: str) -> object:
        environment = {f"INTEGRATIONBUS_RETAIN_{name.upper()}": text for name, text in retained.items()}
        result = CliRunner().invoke(app, ["db", "purge", "--database-url", url, "--json"], env=environment)
        return json.loads(result.stdout) if result.exit_code == 0 else (result.exit_code, result.stderr)

    class Yesterday(SystemClock):
        def now(self):  # type: ignore[no-untyped-def] # noqa: ANN202
            return super().now() - timedelta(hours=2)

    with Workbench(url, Yesterday()) as bus:
        bus.log(new_task({"name": "Ada"}))
        bus.process()
        assert "is in use by process" in str(purge())
    nothing = {"tasks": 0, "events": 0, "request_ids": 0, "runs": 0}
    assert purge() == nothing
    assert purge(succeeded="0", failed="", deleted="0", events="", runs="0", request_ids="0") == nothing
    assert purge(succeeded="1 hour", events="30 minutes") == {"tasks": 1, "events": 3, "request_ids": 0, "runs": 0}
    assert "longer than succeeded tasks" in str(purge(succeeded="1 hour"))
    assert "retain_runs" in str(purge(runs="soon"))


@pytest.mark.parametrize("text", ["soon", "30", "-1 days", "0 days", "1 month"])
def test_a_retention_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match='such as "30 days"'):
        Settings.model_validate({"retain_runs": text})
