"""One process with a database of its own, or one of several replicas on a PostgreSQL."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from integrationbus.server.clock import Clock
from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.replica import Replica, Roll, Signal
from integrationbus.server.replicas.group import ReplicaGroup, Work
from integrationbus.server.replicas.homes import AllHere, Homes
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.replicas.trust import Trust, Unlimited
from integrationbus.server.settings import Settings
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.opened import OpenedStore
from integrationbus.server.storage.sql_store import SqlStore
from integrationbus.server.store import Store

__all__ = ["Alone", "Shared", "Sharing", "share"]


class Sharing(Protocol):
    """How the work is shared with other processes. ``start`` and ``stop`` are called on the event loop."""

    homes: Homes
    trust: Trust
    own_id: str

    def roll(self) -> Roll:
        """Who shares the work. Blocks."""
        ...

    @property
    def is_in_touch(self) -> bool:
        """Whether this process has heard of the database lately."""
        ...

    async def start(self, work: Work) -> None:
        """Take this process's share. Raises StoreUnavailable or OutcomeUnknown."""
        ...

    async def retire(self) -> None:
        """Begin to leave the work to others: called before this process ends its runs."""
        ...

    async def stop(self) -> None:
        """Leave the work to others; called when nothing is processed any more."""
        ...


class Alone:
    """Nobody else can have the database: see ``Sharing``."""

    def __init__(self, store: Store, replica: Replica) -> None:
        self.homes: Homes = AllHere()
        self.trust: Trust = Unlimited()
        self.own_id = replica.id
        self._replica = replica
        self._store = store

    def roll(self) -> Roll:
        """See ``Sharing.roll``."""
        return replace(self._store.roll(), replicas=[self._replica])

    @property
    def is_in_touch(self) -> bool:
        """See ``Sharing.is_in_touch``. The file is here."""
        return True

    async def start(self, work: Work) -> None:
        """See ``Sharing.start``."""
        await asyncio.to_thread(work.adopt, self._replica.connectors)

    async def retire(self) -> None:
        """See ``Sharing.retire``."""

    async def stop(self) -> None:
        """See ``Sharing.stop``."""


class Shared:
    """Any number of replicas may work on the database: see ``Sharing``."""

    def __init__(
        self, settings: Settings, replica: Replica, clock: Clock, on_tidings: Callable[[Tidings], None]
    ) -> None:
        # Only here: the driver is not installed where nobody needs it.
        from integrationbus.server.storage.signals import PostgresSignals  # noqa: PLC0415

        lease = timedelta(seconds=settings.lease_seconds)
        self._database = open_database(settings.database_url)
        self._signals = PostgresSignals(settings.database_url, replica.id, self._heard) if settings.signals else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._store = SqlStore(self._database, clock, lease)
        self.own_id = replica.id
        self._group = ReplicaGroup(
            store=self._store,
            replica=replica,
            lease=lease,
            poll_seconds=settings.poll_seconds,
            clock=clock,
            send=self._send,
            on_tidings=on_tidings,
        )
        self.homes: Homes = self._group
        self.trust: Trust = self._group.trust

    def roll(self) -> Roll:
        """See ``Sharing.roll``."""
        return self._store.roll()

    @property
    def is_in_touch(self) -> bool:
        """See ``Sharing.is_in_touch``."""
        return self._group.is_in_touch

    async def start(self, work: Work) -> None:
        """See ``Sharing.start``."""
        self._loop = asyncio.get_running_loop()
        if self._signals is not None:
            self._signals.start()
        await asyncio.to_thread(self._group.start, work)

    async def retire(self) -> None:
        """See ``Sharing.retire``."""
        self._group.retire()

    async def stop(self) -> None:
        """See ``Sharing.stop``. Without the database the others find out when the presence of this one ends."""
        with suppress(StoreUnavailable, OutcomeUnknown):
            await asyncio.to_thread(self._group.stop)
        if self._signals is not None:
            await self._signals.stop()
        await asyncio.to_thread(self._database.close)

    def _send(self, signal: Signal) -> None:
        if self._signals is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._signals.send, signal)

    def _heard(self, signal: Signal) -> None:
        self._group.heard(signal)


def share(
    settings: Settings, opened: OpenedStore, replica: Replica, clock: Clock, on_tidings: Callable[[Tidings], None]
) -> Sharing:
    """The way that fits the database. ``on_tidings`` is called on a thread with what other processes did."""
    return Alone(opened.store, replica) if opened.lock is not None else Shared(settings, replica, clock, on_tidings)
