"""huey on Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing

from huey import RedisHuey

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, Record
from bench.peers.kit.redis_server import MeasuredOnRedis, on_redis

__all__ = ["HueyOnRedis", "consume", "peers"]


class HueyOnRedis(MeasuredOnRedis):
    """Its consumer is one thread, which Redis wakes."""

    title = "huey"
    remark = "a task leaves the queue before it runs, so a crash of the consumer loses it"

    @asynccontextmanager
    async def line(self, socket: str) -> AsyncIterator[Line]:
        """See ``MeasuredOnRedis``."""
        huey = _open(socket)
        task = huey.task(name="apply")(_nothing)

        async def log(record: Record) -> None:
            task(record)

        with closing(huey.storage.pool):
            yield Line(log, consumer=__name__, address=socket)


def consume(socket: str, tally: Tally) -> None:
    """Do tasks, for ever."""

    def apply(record: Record) -> None:
        tally.done(record["place"])

    huey = _open(socket)
    huey.task(name="apply")(apply)
    huey.create_consumer(workers=1, periodic=False).run()


def peers(environment: Environment) -> Sequence[Peer]:
    """Durable, and not."""
    return on_redis(environment, HueyOnRedis)


def _open(socket: str) -> RedisHuey:
    return RedisHuey(url=f"unix://{socket}", results=False)


def _nothing(record: Record) -> None:
    """Stands for what the consumer does."""
