"""WatchConnectors: all of them, then what changed, and nothing while nothing changes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from support.served import Refusal, Served
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2
from integrationbus.v1.connector_service_pb2 import (
    Connector,
    PauseConnectorRequest,
    ResumeConnectorRequest,
    WatchConnectorsRequest,
)
from integrationbus.v1.task_service_pb2 import LogTasksRequest

FAST = Duration(nanos=100_000_000)
ALL = ["iso3166", "narrow", "notified", "people", "support.nowhere:LostConnector"]


class Watch:
    """A watch of connectors, and the newest that is known of each."""

    def __init__(self, served: Served, *names: str, interval: Duration = FAST) -> None:
        call = served.connectors.WatchConnectors(WatchConnectorsRequest(names=names, interval=interval))
        self._messages = aiter(call)

    async def next(self) -> Sequence[Connector]:
        message = await anext(self._messages)
        return message.connectors

    async def until_succeeded(self, name: str, number: int) -> list[Connector]:
        """What comes until a connector counts so many tasks that succeeded."""
        seen: list[Connector] = []
        while not any(item.name == name and item.counts.succeeded == number for item in seen):
            seen += await self.next()
        return seen


async def test_the_first_message_has_all_and_the_next_ones_what_changed(served: Served) -> None:
    watch = Watch(served)
    first = await watch.next()
    assert [item.name for item in first] == ALL
    assert first[-1].state == enums_pb2.CONNECTOR_STATE_UNHEALTHY
    await served.tasks.LogTask(log_request("Ada"))
    later = await watch.until_succeeded("people", 1)
    assert {item.name for item in later} == {"people"}
    assert later[-1].object_types


async def test_a_watch_of_some_hears_of_these_only(served: Served) -> None:
    watch = Watch(served, "notified", "notified")
    assert [item.name for item in await watch.next()] == ["notified"]
    await served.tasks.LogTask(log_request("Ada"))
    await served.tasks.LogTask(log_request("Bob", connector="notified"))
    [changed] = await watch.next()
    assert (changed.name, changed.counts.pending) == ("notified", 1)


async def test_a_pause_and_a_resume_are_seen_without_any_task(served: Served) -> None:
    watch = Watch(served, "notified")
    await watch.next()
    await served.connectors.PauseConnector(PauseConnectorRequest(name="notified", reason="audit"))
    [paused] = await watch.next()
    assert (paused.state, paused.problem) == (enums_pb2.CONNECTOR_STATE_PAUSED, "audit")
    await served.connectors.ResumeConnector(ResumeConnectorRequest(name="notified"))
    state = paused.state
    while state != enums_pb2.CONNECTOR_STATE_IDLE:
        [item] = await watch.next()
        state = item.state


async def test_changes_within_the_interval_come_together(served: Served) -> None:
    """Of hundreds of commits only so many messages come as there are intervals, and the last state is among them."""
    watch = Watch(served, "people", interval=Duration(seconds=1))
    await watch.next()
    started = asyncio.get_running_loop().time()
    for number in range(100):
        await served.tasks.LogTask(log_request(f"p{number}"))
    seen = await watch.until_succeeded("people", 100)
    assert len(seen) <= 1 + (asyncio.get_running_loop().time() - started)


async def test_a_name_that_is_unknown_is_refused(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Watch(served, "people", "nobody").next()
    assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("NOT_FOUND", "CONNECTOR_NOT_FOUND")


@pytest.mark.parametrize("seconds", [0, 0.099, 60.001, -1])
async def test_an_interval_out_of_range_is_refused(served: Served, seconds: float) -> None:
    interval = Duration()
    interval.FromTimedelta(timedelta(seconds=seconds))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Watch(served, interval=interval).next()
    refusal = Refusal(caught.value)
    assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", "INVALID_FIELD", "interval")


async def test_a_server_that_stops_ends_the_watches_also_in_mid_interval(served: Served) -> None:
    idle, resting = Watch(served), Watch(served, interval=Duration(seconds=60))
    await idle.next()
    await resting.next()
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person("Ada", "notified")]))
    await idle.next()
    stopping = asyncio.create_task(served.app.stop())
    assert (await resting.next())[0].counts.pending == 1, "what it rests from comes at once, and then the end"
    for watch in (idle, resting):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch.next()
        assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
    await stopping
