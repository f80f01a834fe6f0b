"""PgQueuer on PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from pgqueuer import PgQueuer, Queries
from pgqueuer.models import Job

from bench.peers import Environment, Peer
from bench.peers.kit.consumer import Tally
from bench.peers.kit.measured import Line, Record
from bench.peers.kit.postgres_schema import MeasuredOnPostgres, on_postgres

__all__ = ["PgQueuerOnPostgres", "consume", "peers"]

_AT_ONCE = 100


class PgQueuerOnPostgres(MeasuredOnPostgres):
    """Its worker takes many jobs at once, and does them one after the other.

    Its own ``concurrency_limit=1`` takes each job alone: measured 0.02 x as many drained.
    """

    name = "PgQueuer (PostgreSQL)"
    remark = (
        "one worker keeps the order until a job fails; it takes and settles up to 100 jobs at once,"
        " so a crash repeats some; its own limit of one job at a time drains a fraction of it"
    )

    @asynccontextmanager
    async def line(self, url: str) -> AsyncIterator[Line]:
        """See ``MeasuredOnPostgres``."""
        connection = await asyncpg.connect(url)
        try:
            queries = Queries.from_asyncpg_connection(connection)
            await queries.install()
            await queries.optimize_autovacuum()

            async def log(record: Record) -> None:
                await queries.enqueue("apply", json.dumps(record).encode())

            async def log_many(records: Sequence[Record]) -> None:
                payloads = [json.dumps(record).encode() for record in records]
                await queries.enqueue(["apply"] * len(payloads), payloads, [0] * len(payloads))

            yield Line(log, consumer=__name__, address=url, log_many=log_many)
        finally:
            await connection.close()


def consume(url: str, tally: Tally) -> None:
    """Do jobs, for ever."""
    in_order = asyncio.Lock()

    async def apply(job: Job) -> None:
        async with in_order:
            tally.done(json.loads(job.payload)["place"])

    async def work() -> None:
        worker = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))
        worker.entrypoint("apply")(apply)
        await worker.run(batch_size=_AT_ONCE)

    asyncio.run(work())


def peers(environment: Environment) -> Sequence[Peer]:
    """It needs PostgreSQL."""
    return on_postgres(environment, PgQueuerOnPostgres)
