"""A process that watches: ``python -m bench.follower ADDRESS CONNECTOR``.

For each number that it reads it opens streams until there are so many, and says how many are open. Each follows the
tasks about an external id of its own, as applications do; none of them comes.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import grpc
import uvloop

from bench.calls import METADATA, connect
from integrationbus.v1.task_pb2 import TaskFilter
from integrationbus.v1.task_service_pb2 import WatchTasksRequest

_STREAMS_A_CHANNEL = 500
_OPENING = 100

_Call = grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
_Watch = grpc.aio.UnaryStreamCall[bytes, bytes]


class _Followers:
    """Open streams."""

    def __init__(self, address: str, connector: str) -> None:
        self._address = address
        self._connector = connector
        self._channels: list[grpc.aio.Channel] = []
        self._reading: list[asyncio.Task[None]] = []
        self._opening = asyncio.Semaphore(_OPENING)
        self._started = 0

    async def open(self, number: int) -> None:
        """Open streams until there are so many, and wait until each has its first message."""
        async with asyncio.TaskGroup() as group:
            for place in range(self._started, number):
                if place % _STREAMS_A_CHANNEL == 0:
                    self._channels.append(connect(self._address))
                group.create_task(self._open_one(self._channels[-1], place))
        self._started = max(self._started, number)

    @property
    def still_open(self) -> int:
        """How many streams have not ended."""
        return sum(not reading.done() for reading in self._reading)

    async def _open_one(self, channel: grpc.aio.Channel, place: int) -> None:
        task_filter = TaskFilter(connectors=[self._connector], external_ids=[f"followed-{place}"])
        request = WatchTasksRequest(filter=task_filter).SerializeToString()
        async with self._opening:
            call: _Call = channel.unary_stream("/integrationbus.v1.TaskService/WatchTasks")
            watch = call(request, metadata=METADATA)
            await watch.read()
        self._reading.append(asyncio.create_task(_read(watch)))


async def _read(watch: _Watch) -> None:
    while await watch.read() is not grpc.aio.EOF:
        pass


async def _orders() -> AsyncIterator[int]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield int(line)


async def _main(address: str, connector: str) -> None:
    followers = _Followers(address, connector)
    _say("ready")
    async for number in _orders():
        await followers.open(number)
        _say(followers.still_open)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
