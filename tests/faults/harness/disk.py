"""A disk that fails when a test says so, below a server with a SQLite file."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Disk", "compiled_shim"]

_SOURCE = Path(__file__).with_name("disk_shim.c")
_WAIT_SECONDS = 30.0


def compiled_shim(folder: Path) -> Path:
    """The library that stands between a server and its disk. Skips without a C compiler, but never in CI."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        if os.environ.get("CI"):
            raise FileNotFoundError("a C compiler is needed to test what happens when the disk fails")
        pytest.skip("there is no C compiler")
    library = folder / "disk_shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the database ``bus.db`` in ``folder``."""

    folder: Path
    shim: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What puts the shim below a server."""
        self._synced.mkdir(exist_ok=True)
        return {
            "LD_PRELOAD": str(self.shim),
            "IB_DISK_FOLDER": str(self.folder),
            "IB_DISK_FAIL": str(self._fail),
            "IB_DISK_FULL": str(self._full),
            "IB_DISK_SYNCED": str(self._synced),
        }

    def fail_next_sync(self) -> None:
        """Make the next sync fail, and wait until one has. Raises TimeoutError."""
        self._fail.touch()
        deadline = time.monotonic() + _WAIT_SECONDS
        while self._fail.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("nothing was synced")
            time.sleep(0.01)

    @contextmanager
    def full(self) -> Iterator[None]:
        """While this is open, nothing can be written."""
        self._full.touch()
        try:
            yield
        finally:
            self._full.unlink()

    def cut_power(self) -> None:
        """Leave of each file what was synced last. No server may be running."""
        for path in self.folder.glob("bus.db*"):
            path.unlink()
        for copy in self._synced.glob("bus.db*"):
            # One that was being made when the process ended is none.
            if copy.name in ("bus.db", "bus.db-wal", "bus.db-journal"):
                shutil.copy(copy, self.folder / copy.name)

    @property
    def _fail(self) -> Path:
        return self.folder / "fail"

    @property
    def _full(self) -> Path:
        return self.folder / "full"

    @property
    def _synced(self) -> Path:
        return self.folder / "synced"
