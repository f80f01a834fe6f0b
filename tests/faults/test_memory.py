"""A server that can get hardly any more memory than it has."""

import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from faults.harness.lab import Lab

from integrationbus.client import BusError, Client, Json, NotFound, TaskType

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

ROUNDS = 3
MORE_BYTES = 8 * 1024**2
LARGE = Json("x" * 1_000_000)
AT_ONCE, CALLS = 32, 200


@contextmanager
def hardly_any_memory(pid: int) -> Iterator[None]:
    """While this is open, a process gets no more than ``MORE_BYTES``."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    before = resource.prlimit(pid, resource.RLIMIT_AS)
    resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_BYTES, before[1]))
    yield
    # One that has died is still there, until somebody asks how.
    resource.prlimit(pid, resource.RLIMIT_AS, before)


def large_call(client: Client, _number: int) -> BusError | None:
    """How it was refused; there is no such connector, so that nothing of it is ever stored."""
    try:
        client.log_task("nowhere", TaskType.CREATE_OBJECT, LARGE)
    except BusError as error:
        return error
    return None


def many_large_calls(address: str) -> Sequence[BusError | None]:
    """Many at once, each with an answer of its own."""
    with Client(address, application="large", timeout=5, patience=0) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(partial(large_call, client), range(CALLS)))


def test_large_requests_that_there_is_no_memory_for_harm_no_other(lab: Lab) -> None:
    """They are refused, or the process ends; if not, it is killed: nobody knows what else in it got no memory."""
    server = lab.server(lab.sqlite_url)
    server.start()
    refusals: list[BusError | None] = []
    with lab.campaign(server, watchers=0) as campaign:
        for _ in range(ROUNDS):
            campaign.wait_for_acknowledged(40)
            with hardly_any_memory(server.pid):
                refusals += many_large_calls(server.address)
            server.kill()
            server.start()
        assert lab.violations(campaign.report("no memory", faults=ROUNDS, kills=ROUNDS)) == []
    assert None not in refusals
    assert any(not isinstance(each, NotFound) for each in refusals)
