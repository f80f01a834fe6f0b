"""Hints from process to process: whatever else is on the channel, they go on."""

import asyncio
from contextlib import suppress

import psycopg

from integrationbus.server.replica import Signal
from integrationbus.server.storage.signals import PostgresSignals


async def test_what_nobody_understands_is_passed_over(postgres_url: str) -> None:
    """A newer version may say more, and other programs may use the channel."""
    heard: asyncio.Queue[Signal] = asyncio.Queue()
    signals = PostgresSignals(postgres_url, "own", heard.put_nowait)
    signals.start()
    try:
        async with asyncio.timeout(20), await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
            first: Signal | None = None
            # It may not be listening yet.
            while first is None:
                for payload in ("", "gibberish", "other later", "own changed", "other moved"):
                    await other.execute("SELECT pg_notify(%s, %s)", ("integrationbus", payload))
                with suppress(TimeoutError):
                    first = await asyncio.wait_for(heard.get(), 0.02)
        assert first is Signal.MOVED
    finally:
        await signals.stop()
