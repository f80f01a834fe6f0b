"""Celery on Redis."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from celery import Celery, group

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, Record
from bench.peers.kit.redis_server import MeasuredOnRedis, on_redis

__all__ = ["CeleryOnRedis", "consume", "peers"]

# One consumer in order: without a child, which measured 0.5 x, and without talk to other workers.
_WORKER = ("worker", "--pool=solo", "--loglevel=WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")


class CeleryOnRedis(MeasuredOnRedis):
    """Its worker is one process without children."""

    title = "Celery"
    remark = (
        "bulk is a group, which is logged task by task;"
        " a task is acknowledged before it runs, its default, so a crash of the worker loses it"
    )

    @asynccontextmanager
    async def line(self, socket: str) -> AsyncIterator[Line]:
        """See ``MeasuredOnRedis``."""
        app = _open(socket)
        task = app.task(name="apply")(_nothing)

        async def log(record: Record) -> None:
            task.delay(record)

        async def log_many(records: Sequence[Record]) -> None:
            group(task.s(record) for record in records).apply_async()

        with app:
            yield Line(log, consumer=__name__, address=socket, log_many=log_many)


def consume(socket: str, tally: Tally) -> None:
    """Do tasks, for ever."""

    def apply(record: Record) -> None:
        tally.done(record["place"])

    app = _open(socket)
    app.task(name="apply")(apply)
    app.worker_main(["--quiet", *_WORKER])


def peers(environment: Environment) -> Sequence[Peer]:
    """Durable, and not."""
    return on_redis(environment, CeleryOnRedis)


def _open(socket: str) -> Celery:
    app = Celery("bench", broker=f"redis+socket://{socket}", set_as_current=False)
    app.conf.update(task_ignore_result=True, worker_redirect_stdouts=False)
    return app


def _nothing(record: Record) -> None:
    """Stands for what the worker does."""
