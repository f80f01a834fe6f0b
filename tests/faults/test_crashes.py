"""A server that dies, at any moment: nothing is lost, nothing is done twice."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrationbus.client import AsyncClient, Client, Json, TaskState, TaskType

EXAMPLE = Path(__file__).parents[2] / "client" / "examples" / "iso3166"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of the example can be imported."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    for name in [path.stem for path in EXAMPLE.glob("*.py")]:
        sys.modules.pop(name, None)


async def test_a_server_that_is_killed_in_the_middle_of_the_demo_loses_and_doubles_nothing(tmp_path: Path) -> None:
    from server_process import ServerProcess
    from synchronise import synchronise
    from tally import Tally
    from verify import EXPECTED, read_back

    tally = Tally(expected=EXPECTED.countries + EXPECTED.subdivisions)
    deaths = iter((500, 2500, 4500))
    next_death = next(deaths)
    killed = asyncio.Event()

    def kill_at_the_next_mark(seen: Tally) -> None:
        nonlocal next_death
        if seen.processed.count >= next_death:
            next_death = next(deaths, 10**9)
            killed.set()

    server = ServerProcess(tmp_path)
    await server.start()

    async def kill_and_restart() -> None:
        for _ in range(3):
            await killed.wait()
            killed.clear()
            await server.kill()
            await server.start()

    async with AsyncClient(server.address, application="tests") as client:
        await asyncio.gather(
            synchronise(client, server.address, tally, on_change=kill_at_the_next_mark), kill_and_restart()
        )
        assert tally.problems() == []
        assert list((await read_back(client)).problems()) == []
    assert await server.stop() == 0


async def test_a_server_that_stops_in_order_keeps_what_waits(tmp_path: Path) -> None:
    from server_process import ServerProcess

    server = ServerProcess(tmp_path)
    await server.start()

    def log_while_paused() -> list[str]:
        with Client(server.address, application="tests") as client:
            client.pause_connector("iso3166", "not yet")
            country = Json({"code": "XX-1", "name": "X", "type": "State", "country_code": "XX"})
            return [client.log_task("iso3166", TaskType.CREATE_OBJECT, country).id for _ in range(3)]

    ids = await asyncio.to_thread(log_while_paused)
    assert await server.stop() == 0
    await server.start()
    async with AsyncClient(server.address, application="tests") as client:
        tasks = [await client.get_task(task_id) for task_id in ids]
        assert [task.state for task in tasks] == [TaskState.PENDING] * 3
        connector = await client.get_connector("iso3166")
        assert (connector.state.name, connector.problem) == ("PAUSED", "not yet")
    assert await server.stop() == 0


async def test_a_second_server_on_the_same_database_or_address_is_refused(tmp_path: Path) -> None:
    from server_process import ServerFailed, ServerProcess

    async with ServerProcess(tmp_path) as first:
        with pytest.raises(ServerFailed, match="is in use by process"):
            await ServerProcess(tmp_path).start()
        other = ServerProcess(tmp_path / "other")
        other.address = first.address
        with pytest.raises(ServerFailed, match="cannot serve on"):
            await other.start()
