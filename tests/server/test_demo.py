"""The demo: real data, in an order in which many tasks come before what they point at."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrationbus.client import AsyncClient, TaskEffect

EXAMPLE = Path(__file__).parents[2] / "client" / "examples" / "iso3166"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of the example can be imported."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield
    for name in [path.stem for path in EXAMPLE.glob("*.py")]:
        sys.modules.pop(name, None)


async def test_the_demo_waits_for_every_parent_that_comes_later(tmp_path: Path) -> None:
    from server_process import ServerProcess
    from synchronise import synchronise
    from tally import Tally
    from verify import EXPECTED, read_back

    tally = Tally(expected=EXPECTED.countries + EXPECTED.subdivisions)
    async with ServerProcess(tmp_path) as server, AsyncClient(server.address, application="tests") as client:
        await synchronise(client, server.address, tally, on_change=lambda _: None)
        problems = list((await read_back(client)).problems())
        counts = (await client.get_connector("iso3166")).counts
    assert (tally.problems(), problems) == ([], [])
    assert (tally.waited, tally.effects[TaskEffect.CREATED]) == (683, tally.expected)
    assert (counts.waiting, counts.failed, counts.pending) == (0, 0, 0)
