"""What a question has to work with: how much to do, databases, servers, and rounds."""

import gc
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from bench.bus import CONNECTORS, Bus, running_bus
from bench.calls import connect
from bench.measuring import Figure
from bench.postgres import fresh_database, server_version
from bench.processes import helper

__all__ = ["DATABASES", "Contender", "Lab"]

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
"""What people call the kinds of databases."""

Contender = Callable[[], Awaitable[Mapping[str, float]]]
"""Something that is measured once in each round: its figures by name."""


class Lab:
    """``runs`` is the number of rounds; ``quick`` leaves nine tenths of the work out.

    ``postgres_url`` is that of a server that is there; when it is empty one is started with the first database on it.
    """

    def __init__(
        self, *, runs: int, quick: bool, folder: Path, postgres_url: str, progress: Progress, kept: AsyncExitStack
    ) -> None:
        self.runs = runs
        self.quick = quick
        self.progress = progress
        self.facts = dict[str, str]()
        """What came to be known of the databases, by name."""
        self._folder = folder
        self._postgres_url = postgres_url
        self._kept = kept
        self._names = count()

    def scaled(self, number: int) -> int:
        """How much to do, where so much is usual."""
        return max(1, number // 10) if self.quick else number

    async def alternate(self, *contenders: Contender, what: str = "") -> dict[str, Figure]:
        """Measure all contenders, one after the other, in each round."""
        seen: dict[str, list[float]] = defaultdict(list)
        with self.track(what or "rounds", self.runs * len(contenders)) as advance:
            for _ in range(self.runs):
                for contender in contenders:
                    # What an earlier contender left behind is nothing that this one should clear away.
                    gc.collect()
                    for name, result in (await contender()).items():
                        seen[name].append(result)
                    advance(1)
        return {name: Figure(tuple(results)) for name, results in seen.items()}

    @contextmanager
    def track(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress bar; the function says how much more is done."""
        bar = self.progress.add_task(f"  {what}", total=total)
        try:
            yield lambda steps: self.progress.advance(bar, steps)
        finally:
            self.progress.remove_task(bar)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder that is removed at the end."""
        with TemporaryDirectory(dir=self._folder, prefix=f"{next(self._names)}-") as name:
            yield Path(name)

    async def _postgres(self) -> str:
        """The URL of the PostgreSQL server."""
        if not self._postgres_url:
            server = helper("bench.postgres", [str(self._folder / "postgres")], log=self._folder / "postgres.log")
            self._postgres_url = str((await self._kept.enter_async_context(server)).ready["url"])
        return self._postgres_url

    @asynccontextmanager
    async def database(self, kind: str) -> AsyncIterator[str]:
        """The URL of an empty database of a kind."""
        if kind == "sqlite":
            with self.folder() as folder:
                yield f"sqlite:///{folder / 'bus.db'}"
        else:
            with fresh_database(await self._postgres()) as url:
                self.facts.setdefault("PostgreSQL", server_version(url))
                yield url

    @asynccontextmanager
    async def bus(self, kind: str = "sqlite", *connectors: str) -> AsyncIterator[Bus]:
        """A server on an empty database of a kind."""
        async with self.database(kind) as url, self.bus_on(url, *connectors) as bus:
            yield bus

    @asynccontextmanager
    async def bus_on(self, url: str, *connectors: str) -> AsyncIterator[Bus]:
        """A server on a database."""
        with self.folder() as folder:
            async with running_bus(url, folder, connectors or CONNECTORS) as bus:
                yield bus

    @asynccontextmanager
    async def empty_server(self) -> AsyncIterator[Bus]:
        """The gRPC server that does nothing."""
        with self.folder() as folder:
            async with (
                helper("bench.empty_server", log=folder / "log") as server,
                connect(str(server.ready["address"])) as channel,
            ):
                yield Bus(server, channel)
