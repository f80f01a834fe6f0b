"""Connectors that run by the clock, in a whole server."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from support.served import serve

from integrationbus.client import AsyncClient, ConnectorState, RunState, RunTrigger, TaskState, TaskType

CONNECTORS = ["support.people:EverySecondConnector", "support.people:NightlyConnector"]


async def test_the_clock_starts_the_runs_of_a_server_and_nothing_else_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    async with serve(url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        nightly = await client.log_task("nightly", TaskType.CREATE_OBJECT, {"name": "Cy"})
        async with client.watch(states=TaskState.SUCCEEDED) as changes:
            for name in ("Ada", "Bob"):
                await client.log_task("seconds", TaskType.CREATE_OBJECT, {"name": name})
                assert (await anext(changes)).connector == "seconds"
                newest = await anext(client.list_runs())
                # The next task is not to be found by the same run.
                assert [run async for run in client.watch_run(newest.id)][-1].state is RunState.COMPLETED
        started = [run async for run in client.list_runs()]
        assert {(run.connector, run.trigger) for run in started} == {("seconds", RunTrigger.SCHEDULE)}
        assert len(started) == 2, "a run is on record only if it found something"
        assert (await client.get_task(nightly.id)).state is TaskState.PENDING
        [check] = [item for item in await client.check_connector("nightly") if item.subject.startswith("schedule")]
        due = datetime.fromisoformat(check.subject.rpartition("due ")[2]).astimezone(ZoneInfo("Europe/Prague"))
        assert (due.hour, due.minute, due.weekday() < 5) == (3, 0, True)
        await client.pause_connector("seconds")
        assert (await client.get_connector("seconds")).state is ConnectorState.PAUSED
