"""A server with a script, and both clients for it."""

from collections.abc import Callable, Iterator

import pytest
from support.either_client import AsyncFace, EitherClient, SyncFace
from support.scripted_bus import ScriptedBus


@pytest.fixture
def bus() -> Iterator[ScriptedBus]:
    """A server without answers yet."""
    scripted = ScriptedBus()
    yield scripted
    scripted.stop()


@pytest.fixture(params=[SyncFace, AsyncFace], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest, bus: ScriptedBus) -> Iterator[Callable[..., EitherClient]]:
    """Makes clients of one kind, with a given patience and timeout in seconds."""
    made: list[EitherClient] = []

    def make(*, patience: float = 30, timeout: float = 10) -> EitherClient:
        made.append(request.param(bus.address, patience=patience, timeout=timeout))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Callable[..., EitherClient]) -> EitherClient:
    """A client of each kind."""
    return connect()
