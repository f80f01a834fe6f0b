"""What is the same for the peers that queue on PostgreSQL."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psycopg
from sqlalchemy import make_url

from bench.peers import Environment, Peer
from bench.peers.kit.measured import Line, MeasuredPeer

__all__ = ["MeasuredOnPostgres", "on_postgres"]


class MeasuredOnPostgres(MeasuredPeer):
    """A peer that begins with an empty schema for each figure."""

    durable = True

    def __init__(self, url: str) -> None:
        self._url = url

    @abstractmethod
    def line(self, url: str) -> AbstractAsyncContextManager[Line]:
        """Make the tables, and connect to them."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Line]:
        """A line in an empty schema."""
        with psycopg.connect(self._url) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        async with self.line(self._url) as line:
            yield line


def on_postgres(environment: Environment, kind: type[MeasuredOnPostgres]) -> Sequence[Peer]:
    """A peer; none where there is no PostgreSQL."""
    if not environment.postgres_url:
        environment.missing[kind.name] = "there is no PostgreSQL"
        return []
    plain = make_url(environment.postgres_url).set(drivername="postgresql")
    return [kind(plain.render_as_string(hide_password=False))]
