"""A server of the demo's own: ``integrationbus serve`` as a process."""

import asyncio
import json
import os
import sys
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from types import TracebackType
from typing import Self

__all__ = ["ServerFailed", "ServerProcess"]

_COMMAND = (sys.executable, "-m", "integrationbus.server.cli", "serve", "--json")
_CONNECTOR = "integrationbus.connectors.iso3166:Iso3166Connector"
_START_SECONDS = 30
_STOP_SECONDS = 30
_LAST_LINES = 20


class ServerFailed(Exception):
    """The server did not start, ended by itself, or did not stop in order; the message has the end of its log."""


class ServerProcess:
    """Runs one server, with its database ``bus.db`` and its log ``server.log`` in ``folder``.

    After a ``kill`` it can be started again, at the same address and with the same database.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "server.log"
        self._log_start = 0
        self._process: Popen[bytes] | None = None
        self.address = "127.0.0.1:0"
        """Where the server listens; port 0 until it has taken a free one."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        code = await self.stop()
        if code and error is None:
            raise ServerFailed(self._what_happened(f"ended with exit code {code}"))

    async def start(self) -> None:
        """Start the server and wait until it serves. Raises ServerFailed."""
        self._process = process = self._launch()
        try:
            async with asyncio.timeout(_START_SECONDS):
                self.address = await asyncio.to_thread(_serving_address, process)
        except (TimeoutError, ValueError) as error:
            await self.kill()
            raise ServerFailed(self._what_happened("did not start")) from error
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def stop(self) -> int:
        """Let the server finish what it has in hand, and return its exit code: 0 when it stopped in order."""
        if self._process is None:
            return 0
        self._process.terminate()
        return await asyncio.to_thread(_wait, self._process)

    async def kill(self) -> int:
        """End the server without a warning, as a power cut would, and return its exit code."""
        if self._process is None:
            return 0
        self._process.kill()
        return await asyncio.to_thread(_wait, self._process)

    async def fail_when_it_ends(self) -> None:
        """Wait until the server ends, whatever for. Always raises ServerFailed."""
        code = None if self._process is None else await asyncio.to_thread(self._process.wait)
        raise ServerFailed(self._what_happened(f"ended with exit code {code}"))

    def _launch(self) -> Popen[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "INTEGRATIONBUS_DATABASE_URL": f"sqlite:///{(self._folder / 'bus.db').as_posix()}",
            "INTEGRATIONBUS_LISTEN": self.address,
            "INTEGRATIONBUS_CONNECTORS": _CONNECTOR,
        }
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            # In a session of its own, so that Ctrl-C reaches the demo alone, which then stops the server in order.
            return Popen(_COMMAND, env=environment, stdout=PIPE, stderr=log, start_new_session=True)  # noqa: S603 - ours

    def _what_happened(self, what: str) -> str:
        log = self._log.read_bytes()[self._log_start :].decode(errors="replace")
        return "\n".join([f"the server {what}; the end of {self._log}:", *log.splitlines()[-_LAST_LINES:]])


def _serving_address(process: Popen[bytes]) -> str:
    """Read where the server serves, the first thing that it says. Raises ValueError when it says anything else."""
    assert process.stdout is not None
    event = json.loads(process.stdout.readline())
    if not isinstance(event, dict) or event.get("event") != "serving":
        raise ValueError(f"the server said {event!r}")
    return str(event["address"])


def _wait(process: Popen[bytes]) -> int:
    """Wait until the process has ended, and end it when that takes too long."""
    try:
        code = process.wait(_STOP_SECONDS)
    except TimeoutExpired:
        process.kill()
        code = process.wait()
    # Not earlier: the server speaks until its end, and would fail if nobody listened.
    assert process.stdout is not None
    process.stdout.close()
    return code
