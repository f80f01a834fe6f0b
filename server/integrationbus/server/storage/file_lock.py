"""One process for each SQLite file."""

import fcntl
import os
from pathlib import Path

__all__ = ["DatabaseInUse", "FileLock"]


class DatabaseInUse(Exception):
    """Another process works on the database."""


class FileLock:
    """The right to open a SQLite file, held until ``release`` or until the process ends, however it ends.

    It is taken on a file beside the database: closing any descriptor of the database itself would drop SQLite's locks.
    """

    def __init__(self, database: Path) -> None:
        """Take the lock. Raises DatabaseInUse, naming the holder."""
        # Beside the file itself, by whatever link it is called.
        database = database.resolve()
        path = database.with_name(database.name + ".lock")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise DatabaseInUse(
                f"{database} is in use by process {holder}: stop it, or use another database"
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another process open the database."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
