"""Hints from process to process by the LISTEN and NOTIFY of PostgreSQL. One that is lost does no harm."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from psycopg import AsyncConnection, Error, sql
from sqlalchemy import make_url

from integrationbus.server.replica import Signal

__all__ = ["PostgresSignals"]

_log = logging.getLogger(__name__)

_CHANNEL = "integrationbus"
_NAMES = frozenset(signal.value for signal in Signal)
_RETRY_SECONDS = 5.0
_REST_SECONDS = 0.002
_STOP_SECONDS = 5.0


class PostgresSignals:
    """Tells the other processes of a database that there is something to see, and hears it from them.

    ``on_signal`` is called on the event loop. Both directions have a connection of their own outside of any
    transaction: a NOTIFY within a transaction would make all commits of the database wait for one another.
    """

    def __init__(self, url: str, own_id: str, on_signal: Callable[[Signal], None]) -> None:
        plain = make_url(url).set(drivername="postgresql")
        self._conninfo = plain.render_as_string(hide_password=False)
        self._own_id = own_id
        self._on_signal = on_signal
        self._pending: set[Signal] = set()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen; called on the event loop."""
        self._tasks = [
            asyncio.create_task(self._persist(self._listen), name="hear signals"),
            asyncio.create_task(self._persist(self._send), name="send signals"),
        ]

    async def stop(self) -> None:
        """Send what is pending, and end."""
        if not self._tasks:
            return
        hearing, sending = self._tasks
        hearing.cancel()
        if self._pending:
            await asyncio.wait([sending], timeout=10 * _REST_SECONDS)
        sending.cancel()
        # A statement that is cancelled waits for its answer, which never comes from a database that is cut off.
        await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        self._tasks = []

    def send(self, signal: Signal) -> None:
        """There is something for others to see; called on the event loop. Many calls are one signal."""
        self._pending.add(signal)
        self._wanted.set()

    async def _persist(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await work(connection)
            except (Error, OSError) as error:
                _log.warning("signals between replicas are interrupted, they find out by looking: %s", error)
            except Exception:  # noqa: BLE001 - whatever the fault is, the next connection may do
                _log.exception("a fault of the server interrupted the signals between replicas")
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self, connection: AsyncConnection) -> None:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(_CHANNEL)))
        async for signal in connection.notifies():
            sender, _, name = signal.payload.partition(" ")
            # What this version does not know, another one sent, or another program.
            if sender != self._own_id and name in _NAMES:
                self._on_signal(Signal(name))

    async def _send(self, connection: AsyncConnection) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            signals, self._pending = self._pending, set()
            for signal in signals:
                await connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, f"{self._own_id} {signal.value}"))
            await asyncio.sleep(_REST_SECONDS)
