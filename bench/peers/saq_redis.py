"""saq on Redis."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from saq import Worker
from saq.queue.redis import RedisQueue

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, Record
from bench.peers.kit.redis_server import MeasuredOnRedis, on_redis

__all__ = ["SaqOnRedis", "consume", "peers"]


class SaqOnRedis(MeasuredOnRedis):
    """Its worker does one task at a time."""

    title = "saq"
    remark = "it has no call for batches, but takes several times as much from many calls at once"

    @asynccontextmanager
    async def line(self, socket: str) -> AsyncIterator[Line]:
        """See ``MeasuredOnRedis``."""
        queue = _open(socket)

        async def log(record: Record) -> None:
            await queue.enqueue("apply", record=record)

        try:
            yield Line(log, consumer=__name__, address=socket)
        finally:
            await queue.disconnect()


def consume(socket: str, tally: Tally) -> None:
    """Do tasks, for ever."""

    async def apply(_: object, *, record: Record) -> None:
        tally.done(record["place"])

    async def work() -> None:
        await Worker(_open(socket), [("apply", apply)], concurrency=1).start()

    asyncio.run(work())


def peers(environment: Environment) -> Sequence[Peer]:
    """Durable, and not."""
    return on_redis(environment, SaqOnRedis)


def _open(socket: str) -> RedisQueue:
    return RedisQueue.from_url(f"unix://{socket}")
