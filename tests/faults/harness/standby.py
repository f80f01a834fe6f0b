"""A standby of a PostgreSQL, that gets every commit before its caller hears of it, and takes over."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults.harness.postgres import BreakablePostgres

__all__ = ["Standby", "standby_of"]

_DEADLINE_SECONDS = 60


class Standby:
    """Runs in a folder of its own, and follows the primary until it is promoted."""

    def __init__(self, primary: BreakablePostgres, folder: Path) -> None:
        self._primary = primary
        self._folder = folder

    @property
    def socket(self) -> Path:
        """The socket on which it listens."""
        return self._folder / ".s.PGSQL.5432"

    def follow(self) -> None:
        """Copy the primary, follow it, and let every commit there wait until it is on the disk here, too."""
        primary, data = self._primary, self._folder / "data"
        primary.call("pg_basebackup", "-h", primary.socket.parent, "-U", "postgres", "-D", data, "-R", "-c", "fast")
        options = f"-h '' -k {self._folder}"
        primary.call("pg_ctl", "-D", data, "-l", self._folder / "log", "-o", options, "-w", "start")
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while primary.ask("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != 1:
            assert time.monotonic() < deadline, "the standby does not follow"
            time.sleep(0.05)

    def promote(self) -> None:
        """Become a primary."""
        self._primary.call("pg_ctl", "-D", self._folder / "data", "-w", "promote")

    def stop(self) -> None:
        """End it, if it runs."""
        if self.socket.exists():
            self._primary.call("pg_ctl", "-D", self._folder / "data", "-w", "-m", "immediate", "stop")


@contextmanager
def standby_of(primary: BreakablePostgres) -> Iterator[Standby]:
    """A standby that follows, and ends with the context."""
    with tempfile.TemporaryDirectory(prefix="ib-pg-") as folder:
        if primary.owner:
            shutil.chown(folder, primary.owner)
        standby = Standby(primary, Path(folder))
        try:
            standby.follow()
            yield standby
        finally:
            standby.stop()
