"""The command line against a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app
from support.served import serve

__all__ = ["Run", "command_line", "commands_against"]

Run = Callable[..., Any]
"""Runs a command: its words, and perhaps ``stdin`` and ``env``."""


def commands_against(address: str) -> Run:
    """Commands against a server, on a wide terminal."""

    async def invoke(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
        environment = {"INTEGRATIONBUS_SERVER": address, "COLUMNS": "200", **(env or {})}
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=stdin, env=environment)

    return invoke


@asynccontextmanager
async def command_line(folder: Path, connectors: Sequence[str]) -> AsyncIterator[Run]:
    """Commands against a server of their own, on a wide terminal."""
    async with serve(f"sqlite:///{folder / 'bus.db'}", connectors) as served:
        yield commands_against(served.address)
