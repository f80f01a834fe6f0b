"""procrastinate on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from procrastinate import App, PsycopgConnector

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, Record
from bench.peers.kit.postgres_schema import MeasuredOnPostgres, on_postgres

__all__ = ["ProcrastinateOnPostgres", "consume", "peers"]


class ProcrastinateOnPostgres(MeasuredOnPostgres):
    """Its worker does one job at a time."""

    name = "procrastinate (PostgreSQL)"
    remark = (
        "one worker keeps the order until a job fails;"
        " its locks, which keep it with many workers as well, halve what it drains"
    )

    @asynccontextmanager
    async def line(self, url: str) -> AsyncIterator[Line]:
        """See ``MeasuredOnPostgres``."""
        app = App(connector=PsycopgConnector(conninfo=url))
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            task = app.task(name="apply")(_nothing)

            async def log(record: Record) -> None:
                await task.defer_async(record=record)

            async def log_many(records: Sequence[Record]) -> None:
                await task.batch_defer_async(*({"record": record} for record in records))

            yield Line(log, consumer=__name__, address=url, log_many=log_many)


def consume(url: str, tally: Tally) -> None:
    """Do jobs, for ever."""

    async def apply(*, record: Record) -> None:
        tally.done(record["place"])

    async def work() -> None:
        app = App(connector=PsycopgConnector(conninfo=url))
        app.task(name="apply")(apply)
        async with app.open_async():
            await app.run_worker_async(concurrency=1, delete_jobs="successful")

    asyncio.run(work())


def peers(environment: Environment) -> Sequence[Peer]:
    """It needs PostgreSQL."""
    return on_postgres(environment, ProcrastinateOnPostgres)


async def _nothing(*, record: Record) -> None:
    """Stands for what the worker does."""
