"""``integrationbus serve`` as a process that can be killed, stopped and started again."""

import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen

__all__ = ["CONNECTORS", "ServerDidNotStart", "ServerProcess"]

CONNECTORS = "faults.harness.registers:LeftConnector,faults.harness.registers:RightConnector"

_ROOT = Path(__file__).parents[3]
_PATHS = ("protos", "server", "client", "connectors", "tests")
_START_SECONDS = 60
_STOP_SECONDS = 60

_bytecode = tempfile.TemporaryDirectory(prefix="ib-bytecode-")
"""Where servers keep compiled modules if they must not do so beside the sources: it saves a second at each start."""


class ServerDidNotStart(Exception):
    """The process ended, or said nothing for too long; the message is the end of its log."""


@dataclass(kw_only=True)
class ServerProcess:
    """One server on a database; ``environment`` is what a start adds to that of this process.

    ``module`` is what runs: the command line, or one that breaks something first. ``served_at`` are the moments of all
    starts, in seconds since 1970.
    """

    folder: Path
    database_url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    module: str = "integrationbus.server.cli"
    address: str = "127.0.0.1:0"
    served_at: list[float] = field(default_factory=list)
    _process: "Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        """What the server writes to its standard error."""
        return self.folder / "server.log"

    def start(self, environment: Mapping[str, str] | None = None, *, arguments: Sequence[str] = ()) -> float:
        """Start, wait until it serves, and return how many seconds that took. Raises ServerDidNotStart."""
        begun = time.monotonic()
        self.launch(environment, arguments=arguments)
        self.wait_until_serving()
        return time.monotonic() - begun

    def launch(self, environment: Mapping[str, str] | None = None, *, arguments: Sequence[str] = ()) -> None:
        """Start without waiting. ``environment`` is for this start alone."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = (*arguments, sys.executable, "-m", self.module, "serve", "--json")
        with self.log.open("ab") as log:
            self._process = Popen(
                command,
                env={
                    **_own_environment(),
                    "PYTHONPATH": os.pathsep.join(str(_ROOT / path) for path in _PATHS),
                    "INTEGRATIONBUS_DATABASE_URL": self.database_url,
                    "INTEGRATIONBUS_LISTEN": self.address,
                    "INTEGRATIONBUS_CONNECTORS": CONNECTORS,
                    "INTEGRATIONBUS_USE_ENTRY_POINTS": "false",
                    "INTEGRATIONBUS_GRACE_SECONDS": "2",
                    "INTEGRATIONBUS_LEASE_SECONDS": "1",
                    **self.environment,
                    **(environment or {}),
                },
                stdout=PIPE,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_serving(self) -> None:
        """Wait for the line that says so. Raises ServerDidNotStart."""
        process = self._running()
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
        line = process.stdout.readline() if ready else b""
        if not line:
            self.kill()
            raise ServerDidNotStart(self.log.read_text(errors="replace")[-2000:])
        self.served_at.append(time.time())
        self.address = json.loads(line)["address"]

    @property
    def pid(self) -> int:
        """The process."""
        return self._running().pid

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it lives."""
        return self._running().poll()

    def wait(self, seconds: float = _STOP_SECONDS) -> int:
        """Wait until the process has ended by itself, and return its exit code. Raises TimeoutExpired."""
        process = self._running()
        code = process.wait(seconds)
        assert process.stdout is not None
        process.stdout.close()
        return code

    def kill(self) -> int:
        """End it as a crash would."""
        self._running().kill()
        return self.wait()

    def stop(self) -> int:
        """End it in order, and return its exit code."""
        self._running().terminate()
        return self.wait()

    def freeze(self) -> None:
        """Make the process stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wait_until_frozen(self) -> None:
        """Wait until the process stands still, by a failpoint perhaps."""
        seen = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        assert seen is not None
        assert seen.si_code == os.CLD_STOPPED, self.log.read_text(errors="replace")[-2000:]

    def discard(self) -> None:
        """Leave nothing behind, in whatever state it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _running(self) -> "Popen[bytes]":
        assert self._process is not None, "the server was not started"
        return self._process


def _own_environment() -> dict[str, str]:
    environment = dict(os.environ)
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
        environment["PYTHONPYCACHEPREFIX"] = _bytecode.name
    return environment
