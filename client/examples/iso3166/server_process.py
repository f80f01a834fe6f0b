"""A server of the demo's own: ``integrationbus serve`` as a process."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
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
        self._process: Process | None = None
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
            raise ServerFailed(self._what_happened(f"stopped with exit code {code}"))

    async def start(self) -> None:
        """Start the server and wait until it serves. Raises ServerFailed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            # In a session of its own, so that Ctrl-C reaches the demo alone, which then stops the server in order.
            process = await asyncio.create_subprocess_exec(
                *_COMMAND, env=self._environment(), stdout=PIPE, stderr=log, start_new_session=True
            )
        self._process = process
        try:
            async with asyncio.timeout(_START_SECONDS):
                self.address = await _serving_address(process)
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
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End the server without a warning, as a power cut would, and return its exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.kill()
        return await self._process.wait()

    async def fail_when_it_ends(self) -> None:
        """Wait until the server ends, whatever for. Always raises ServerFailed."""
        code = None if self._process is None else await self._process.wait()
        raise ServerFailed(self._what_happened(f"ended with exit code {code}"))

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "INTEGRATIONBUS_DATABASE_URL": f"sqlite:///{(self._folder / 'bus.db').as_posix()}",
            "INTEGRATIONBUS_LISTEN": self.address,
            "INTEGRATIONBUS_CONNECTORS": _CONNECTOR,
        }

    def _what_happened(self, what: str) -> str:
        last_lines = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join([f"the server {what}; the end of {self._log}:", *(f"  {line}" for line in last_lines)])


async def _serving_address(process: Process) -> str:
    """Read where the server serves, the first thing that it says. Raises ValueError when it says anything else."""
    assert process.stdout is not None
    event = json.loads(await process.stdout.readline())
    if not isinstance(event, dict) or event.get("event") != "serving":
        raise ValueError(f"the server said {event!r} instead of where it serves")
    return str(event["address"])
