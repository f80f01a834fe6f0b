"""PgQueuer on PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from pgqueuer import PgQueuer, Queries
from pgqueuer.models import Job

from bench.peers import Environment, Peer
from bench.peers.consumer import Tally
from bench.peers.measured import Line, Record
from bench.peers.postgres_schema import MeasuredOnPostgres, on_postgres

__all__ = ["PgQueuerOnPostgres", "consume", "peers"]


class PgQueuerOnPostgres(MeasuredOnPostgres):
    """Its worker does one job at a time."""

    name = "PgQueuer (PostgreSQL)"
    remark = "x"

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

    async def apply(job: Job) -> None:
        tally.done(json.loads(job.payload)["place"])

    async def work() -> None:
        worker = PgQueuer.from_asyncpg_connection(await asyncpg.connect(url))
        worker.entrypoint("apply", concurrency_limit=1)(apply)
        await worker.run(batch_size=1)

    asyncio.run(work())


def peers(environment: Environment) -> Sequence[Peer]:
    """It needs PostgreSQL."""
    return on_postgres(environment, PgQueuerOnPostgres)
