"""huey on SQLite."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from huey import SqliteHuey

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, MeasuredPeer, Record

__all__ = ["HueyOnSqlite", "consume", "peers"]


class HueyOnSqlite(MeasuredPeer):
    """Its consumer is one thread, which asks the database again and again."""

    name = "huey (SQLite)"
    durable = True
    remark = (
        "the consumer looks for tasks every 0.1 s, its default, and nothing wakes it;"
        " a task leaves the queue before it runs, so a crash of the consumer loses it"
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Line]:
        """A line in a file of its own."""
        with tempfile.TemporaryDirectory(prefix="huey-", dir=self._folder) as own:
            path = f"{own}/queue.db"
            huey = _open(path)
            task = huey.task(name="apply")(_nothing)

            async def log(record: Record) -> None:
                task(record)

            with closing(huey.storage):
                yield Line(log, consumer=__name__, address=path)


def consume(path: str, tally: Tally) -> None:
    """Do tasks, for ever."""

    def apply(record: Record) -> None:
        tally.done(record["place"])

    huey = _open(path)
    huey.task(name="apply")(apply)
    huey.create_consumer(workers=1, periodic=False).run()


def peers(environment: Environment) -> Sequence[Peer]:
    """It runs everywhere."""
    return [HueyOnSqlite(environment.folder)]


def _open(path: str) -> SqliteHuey:
    return SqliteHuey(filename=path, fsync=True, strict_fifo=True, results=False)


def _nothing(record: Record) -> None:
    """Stands for what the consumer does."""
