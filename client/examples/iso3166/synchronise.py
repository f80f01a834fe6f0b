"""The producer at work, and its tasks followed until the last one is settled."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from uuid import uuid4

from tally import Tally

from integrationbus.client import AsyncClient, AsyncWatch, TaskChange

__all__ = ["ProducerFailed", "Stalled", "synchronise"]

_CONNECTOR = "iso3166"
_PRODUCER = Path(__file__).with_name("producer.py")
_PATIENCE_SECONDS = 60


class ProducerFailed(Exception):
    """The producer ended before it had logged everything; the message has what it said."""


class Stalled(Exception):
    """Nothing has happened for a minute; the message says what the connector is doing."""


async def synchronise(client: AsyncClient, address: str, tally: Tally, *, on_change: Callable[[Tally], object]) -> None:
    """Let a producer log everything, and count what becomes of its tasks until the last one is settled.

    ``on_change`` is called whenever the tally has grown. A server that goes away is waited for. Raises an exception
    group with a ProducerFailed, Stalled or BusError.
    """
    batch = uuid4().hex
    # The watch stands before the producer starts: it sees every change of its tasks, in order and once, even when it
    # has to connect again in the middle.
    async with client.watch(connectors=_CONNECTOR, labels={"batch": batch}) as watch, asyncio.TaskGroup() as group:
        group.create_task(_produce(address, batch))
        try:
            await _count(watch, tally, on_change)
        except TimeoutError:
            connector = await client.get_connector(_CONNECTOR)
            doing = f"{connector.name} is {connector.state.name} {connector.problem}".rstrip()
            raise Stalled(f"nothing has happened for {_PATIENCE_SECONDS} seconds; the connector {doing}") from None


async def _count(watch: AsyncWatch, tally: Tally, on_change: Callable[[Tally], object]) -> None:
    """Raises TimeoutError when no change comes for too long."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_PATIENCE_SECONDS) as patience:
        async for change in watch:
            if isinstance(change, TaskChange):
                tally.add(change)
            on_change(tally)
            patience.reschedule(loop.time() + _PATIENCE_SECONDS)
            if tally.is_complete:
                return


async def _produce(address: str, batch: str) -> None:
    """Run the producer to its end; end it when nobody waits for it any more."""
    with _start_producer(address, batch) as process:
        try:
            _, said = await asyncio.to_thread(process.communicate)
        finally:
            process.terminate()
    if process.returncode:
        said_last = said.decode(errors="replace").rstrip()
        raise ProducerFailed(f"the producer ended with exit code {process.returncode}: {said_last}")


def _start_producer(address: str, batch: str) -> Popen[bytes]:
    command = (sys.executable, str(_PRODUCER), address, "--batch", batch)
    # In a session of its own, so that Ctrl-C reaches the demo alone, which then ends the producer.
    return Popen(command, stdout=DEVNULL, stderr=PIPE, start_new_session=True)  # noqa: S603 - the command is our own
