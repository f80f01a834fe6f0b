"""The composition root: every part of the server is made here, started in order, and stopped in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from uuid import uuid4

from integrationbus.server import __version__
from integrationbus.server.claims import Settled
from integrationbus.server.clock import Clock, SystemClock
from integrationbus.server.connector_check import ConnectorChecker
from integrationbus.server.connector_watch import ConnectorWatch
from integrationbus.server.errors import ServerDraining
from integrationbus.server.feed.logged import events_of_logged
from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.limits import Limits
from integrationbus.server.loading import load_connectors
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.processing.dispatcher import Dispatcher
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.processing.previewer import Previewer
from integrationbus.server.processing.runner import Runner
from integrationbus.server.processing.schedule import Schedule
from integrationbus.server.processing.task_actions import TaskActions
from integrationbus.server.processing.worker import ConnectorWorker
from integrationbus.server.purger import Purger
from integrationbus.server.rates import Rates
from integrationbus.server.reads import Reads
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.replica import Replica
from integrationbus.server.replicas.heartbeat import LONGEST_LOOK
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.rpc.open_streams import OpenStreams
from integrationbus.server.rpc.server import build_server
from integrationbus.server.rpc.services import Services
from integrationbus.server.run_watch import RunWatch
from integrationbus.server.settings import Settings
from integrationbus.server.sharing import share
from integrationbus.server.storage.opened import OpenedStore, open_store
from integrationbus.server.target.inspection import TableInspector
from integrationbus.server.target.key_map_reader import KeyMapReader
from integrationbus.server.target.reader import ObjectReader
from integrationbus.server.target.sql_target import SqlTarget
from integrationbus.server.target_database import OpenedTarget, open_target
from integrationbus.server.task_events import NewEvents, no_events
from integrationbus.server.task_log import TaskLog

__all__ = ["App"]

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


class App:
    """A whole server. Made, started and stopped on one event loop.

    ``broken`` is set when nothing can be written any more until another process has opened the database.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Open the database and load the connectors.

        Raises OSError, ValueError, DatabaseInUse, SchemaTooNew or StoreUnavailable with nothing left open.
        """
        self._settings = settings
        self._clock = clock or SystemClock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._health: asyncio.Task[None] | None = None
        self.broken = asyncio.Event()
        lease = timedelta(seconds=settings.lease_seconds)
        self.opened = open_store(settings.database_url, self._clock, lease, on_broken=self._database_broke)
        try:
            self._open_target(self.opened)
        except BaseException:
            self.opened.close()
            raise

    def _open_target(self, opened: OpenedStore) -> None:
        self._place = open_target(opened, self._settings.target_url)
        try:
            self._build(opened, self._place)
        except BaseException:
            self._place.close()
            raise

    def _build(self, opened: OpenedStore, place: OpenedTarget) -> None:
        settings, clock, store = self._settings, self._clock, opened.store
        self.registry = load_connectors(
            opened, settings.connectors, use_entry_points=settings.use_entry_points, target=place.database
        )
        self._target = SqlTarget(self.registry.classes)
        self._reads = Reads()
        self._rates = Rates([item.name for item in self.registry.connectors], clock)
        self._feed = TaskFeed(store, self._reads, clock)
        self._runs = RunWatch(store, self._reads, clock)
        self._task_log = TaskLog(store, self._tasks_logged)
        self._log_streams = OpenStreams(self._task_log, store, self._reads)
        usable = [item for item in self.registry.connectors if item.connector]
        self._replica = Replica(
            id=str(uuid4()), connectors=frozenset(item.name for item in usable), started_at=clock.now()
        )
        self._sharing = share(settings, opened, self._replica, clock, self._others_did)
        self._dispatcher = Dispatcher(
            store=store,
            registry=self.registry,
            workers=[self._worker(item) for item in usable],
            homes=self._sharing.homes,
            clock=clock,
            handover=timedelta(seconds=settings.lease_seconds) + LONGEST_LOOK,
        )
        self._schedule = Schedule(self.registry, self._dispatcher.schedule_is_due)
        self._previewer = Previewer(effects=place.effects, target=self._target, registry=self.registry, clock=clock)
        self._connector_watch = ConnectorWatch(
            connectors=self._dispatcher.connectors,
            reads=self._reads,
            clock=clock,
            state_of=self._dispatcher.state_of,
        )
        checker = ConnectorChecker(
            store=store,
            registry=self.registry,
            inspector=TableInspector(place.database),
            next_due=self._schedule.next_due,
        )
        self._purger = Purger(store, settings.retention, self._purged)
        services = Services(
            registry=self.registry,
            store=store,
            reads=self._reads,
            task_log=self._task_log,
            log_streams=self._log_streams,
            feed=self._feed,
            dispatcher=self._dispatcher,
            runs=self._runs,
            connector_watch=self._connector_watch,
            checker=checker,
            keys=KeyMapReader(place.database, self.registry),
            objects=ObjectReader(place.database, self.registry),
            actions=TaskActions(store, self._dispatcher, self._reads, self._acted),
            previewer=self._previewer,
            replicas=self._sharing,
            rates=self._rates,
            limits=Limits(),
            retention=settings.retention,
            started_at=clock.now(),
            version=__version__,
        )
        self._rpc = build_server(services, settings.listen)

    @property
    def replica_id(self) -> str:
        """The name of this server among those that share its database."""
        return self._replica.id

    async def start(self) -> int:
        """Start everything; returns the port.

        Raises OSError when the address is taken, StoreUnavailable or OutcomeUnknown; then ``stop`` has to be called.
        """
        self._loop = asyncio.get_running_loop()
        self._task_log.start()
        self._feed.start()
        port = await self._rpc.start()
        # Processing comes last: a server that cannot listen must not have begun to work.
        await self._sharing.start(self._dispatcher)
        self._schedule.start()
        self._purger.start()
        self._health = self._loop.create_task(self._report_health(), name="health")
        return port

    async def stop(self) -> None:
        """Stop everything, in the order in which nothing that was acknowledged is lost and nobody waits in vain.

        A step that fails is logged, and the others are taken all the same.
        """
        steps: tuple[Callable[[], Awaitable[object]], ...] = (
            # Balancers look elsewhere from now on.
            self._begin_drain,
            # No run starts by the clock any more.
            partial(asyncio.to_thread, self._schedule.stop),
            partial(asyncio.to_thread, self._purger.stop),
            # Streams end with a token, those of tasks when what they took in is stored; left alone they would be cut at
            # the end of the grace.
            self._end_streams,
            # New calls are refused; those in flight get their answers, which needs the log and the reads.
            partial(self._rpc.stop, self._settings.grace_seconds),
            # What waits to be stored is stored.
            self._task_log.stop,
            # Runs end after the batch in hand, and connectors are given back, to other replicas if there are any.
            self._sharing.retire,
            partial(asyncio.to_thread, self._dispatcher.stop),
            self._sharing.stop,
            partial(asyncio.to_thread, self._previewer.stop),
            partial(asyncio.to_thread, self._reads.stop),
            partial(asyncio.to_thread, self._place.close),
            partial(asyncio.to_thread, self.opened.close),
        )
        for step in steps:
            try:
                await step()
            except Exception:  # noqa: BLE001 - whatever the fault is, the rest has to be stopped as well
                _log.exception("a step of the stop failed; the next ones follow")

    async def _report_health(self) -> None:
        """Let balancers look elsewhere as long as this server is cut off from its database."""
        was_in_touch = True
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            is_in_touch = self._sharing.is_in_touch
            if is_in_touch != was_in_touch:
                _log.warning("the database %s", "answers again" if is_in_touch else "does not answer: not serving")
                await self._rpc.report(serving=is_in_touch)
            was_in_touch = is_in_touch

    async def _begin_drain(self) -> None:
        if self._health is not None:
            self._health.cancel()
        await self._rpc.begin_drain()

    async def _end_streams(self) -> None:
        self._log_streams.stop()
        self._runs.stop()
        self._connector_watch.stop()
        await self._feed.stop()

    def _worker(self, registered: RegisteredConnector) -> ConnectorWorker:
        connector = registered.connector
        assert connector, "only connectors that could be loaded have workers"
        store = self.opened.store
        runner = Runner(
            store=store,
            effects=self._place.effects,
            target=self._target,
            preparer=Preparer(connector, self.registry, self._clock),
            retry=connector.retry,
            keeps_translations=not connector.clear_translations_after_processing,
            clock=self._clock,
            on_commit=partial(self._committed, registered),
        )
        return ConnectorWorker(
            registered,
            runner=runner,
            store=store,
            owner=self._replica.id,
            clock=self._clock,
            on_change=partial(self._run_changed, registered),
            on_interrupted=partial(self._interrupted, registered),
            trust=self._sharing.trust,
        )

    def _tasks_logged(self, stored: Sequence[tuple[LogEntry, LogReceipt]]) -> None:
        """Count what was stored and wake those who wait for it; called on the event loop."""
        counts: dict[str, int] = {}
        for _, receipt in stored:
            for task in receipt.tasks:
                # Duplicates wake, too: nobody was woken when the first answer was that the outcome is unknown.
                counts[task.connector] = counts.get(task.connector, 0) + (not receipt.duplicate)
        for name, number in counts.items():
            self._rates.count_logged(name, number)
        self._dispatcher.tasks_logged(counts)
        ids = {name: self.registry.get(name).id for name in counts}
        self._wake_watchers(ids.values(), partial(events_of_logged, stored, ids))
        self._sharing.homes.tell()

    def _database_broke(self) -> None:
        """Called on any thread."""
        _log.critical("the disk of the database failed: the server stops, and its next start recovers")
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.broken.set)

    def _acted(self, connector_ids: Sequence[int]) -> None:
        """Wake those who watch what an operator did; called on a thread that reads."""
        self._on_loop(self._wake_watchers, connector_ids)
        self._sharing.homes.tell()

    def _interrupted(self, registered: RegisteredConnector) -> None:
        """Look what a commit may have done that nobody was told of; called on a connector's thread."""
        self._on_loop(self._wake_watchers, [registered.id])
        self._dispatcher.look_for_called()

    def _committed(self, registered: RegisteredConnector, number: int, settled: Settled) -> None:
        """Count what a run settled, wake those who watch, and start what follows from it; on a connector's thread."""
        self._rates.count_settled(registered.name, number)
        # The own run looks at what was called before it ends.
        others = [connector_id for connector_id in settled.called if connector_id != registered.id]
        with suppress(ServerDraining):
            self._dispatcher.tasks_called(others)
            if settled.released:
                self._dispatcher.line_released([registered.name], actor="", reason="")
        self._on_loop(self._wake_watchers, [registered.id, *others], settled.events)
        self._sharing.homes.tell()

    def _run_changed(self, registered: RegisteredConnector) -> None:
        """Wake those who watch a run that ended, or was left to others; called on a connector's thread."""
        self._on_loop(self._runs_ended)
        self._sharing.homes.tell()

    def _others_did(self, tidings: Tidings) -> None:
        """Do what other replicas left for this one, and wake those who watch; on a thread of the group."""
        self._dispatcher.see(tidings)
        self._on_loop(self._wake_watchers, tidings.changed)
        self._on_loop(self._runs_ended)

    def _purged(self) -> None:
        """Show what is there now to those who watch connectors; called on the thread of the purge."""
        self._on_loop(self._connector_watch.changed)

    def _on_loop(self, function: Callable[..., object], *arguments: object) -> None:
        """Have something called on the event loop; called on any thread."""
        assert self._loop, "nothing happens before the start"
        self._loop.call_soon_threadsafe(function, *arguments)

    def _runs_ended(self) -> None:
        self._runs.ended()
        self._connector_watch.changed()

    def _wake_watchers(self, connector_ids: Iterable[int], events: NewEvents = no_events) -> None:
        self._feed.changed(connector_ids, events)
        self._runs.changed()
        self._connector_watch.changed()
