"""The producer at work, and its tasks followed until the last one is settled."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from tally import Tally

from integrationbus.client import AsyncBusClient, ResumeToken, TaskState

__all__ = ["ProducerFailed", "synchronise"]

_PRODUCER = Path(__file__).with_name("producer.py")
_STALLED_SECONDS = 60
_STATES = (TaskState.PENDING, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.DELETED)


class ProducerFailed(Exception):
    """The producer ended before it had logged everything; the message is what it said."""


async def synchronise(
    client: AsyncBusClient, address: str, tally: Tally, *, on_change: Callable[[Tally], None]
) -> None:
    """Let a producer log everything, and count what becomes of its tasks until the last one is settled.

    ``on_change`` is called whenever the tally has grown. A server that ends and comes back is waited for. Raises
    ProducerFailed, BusError, and TimeoutError when nothing happens for a minute.
    """
    batch = uuid4().hex
    start = await client.resume_token("iso3166")
    async with asyncio.TaskGroup() as group:
        group.create_task(_produce(address, batch))
        await _follow(client, start, batch, tally, on_change)


async def _follow(
    client: AsyncBusClient, start: ResumeToken, batch: str, tally: Tally, on_change: Callable[[Tally], None]
) -> None:
    """Watch from the moment before anything was logged: whatever happened since then comes, in order and once."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_STALLED_SECONDS) as stalled:
        async for change in client.watch(start, connectors="iso3166", states=_STATES, labels={"batch": batch}):
            tally.add(change)
            on_change(tally)
            stalled.reschedule(loop.time() + _STALLED_SECONDS)
            if tally.is_complete:
                return


async def _produce(address: str, batch: str) -> None:
    """Run the producer to its end, and end it when nobody waits for it any more."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_PRODUCER), address, "--batch", batch, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        raise ProducerFailed(f"the producer ended with exit code {process.returncode}:\n{said.decode(errors='replace')}")
