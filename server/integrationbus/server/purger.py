"""Removes what was kept long enough, in the background."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from functools import partial

from integrationbus.server.connector import TaskCounts
from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable
from integrationbus.server.retention import Purged, Retention
from integrationbus.server.store import Store

__all__ = ["Purger"]

_log = logging.getLogger(__name__)

_SELDOMEST_SECONDS = 60.0
_OFTENEST_SECONDS = 1.0
_AT_A_TIME = 1_000
_LONGEST_REST_SECONDS = 0.1
_REST_FOR_NOTHING = 99
"""How much longer than a sweep that found nothing took of the processor the rest is after it."""


class Purger:
    """Sweeps the store on a thread of its own: once a minute, or more often when something is kept for a shorter time.

    ``on_removed`` is called after a sweep that removed something, on the thread of the sweep. Several servers may do so
    on one database at once: each removes what the others have left.
    """

    def __init__(self, store: Store, retention: Retention, on_removed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._on_removed = on_removed
        self._retention = retention
        shortest = min((kept.total_seconds() for kept in astuple(retention) if kept is not None), default=math.inf)
        self._every_seconds = max(_OFTENEST_SECONDS, min(_SELDOMEST_SECONDS, shortest))
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with the first sweep."""
        self._thread = threading.Thread(target=self._work, name="purge")
        self._thread.start()

    def stop(self) -> None:
        """End after the part in hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def sweep(self) -> Purged:
        """Remove all that may go, part by part; in between the store is left to others, as long as a part took."""
        total = Purged()
        for step in self._steps():
            more = True
            while more and not self._stopping.is_set():
                started = time.monotonic()
                part = step()
                total, more = total + part, part.more
                if more:
                    self._stopping.wait(min(time.monotonic() - started, _LONGEST_REST_SECONDS))
        if total != Purged():
            _log.info("removed what was kept long enough: %s", total)
            self._on_removed()
        return total

    def _steps(self) -> Iterator[Callable[[], Purged]]:
        kept = self._retention
        # Where changes are kept for ever, tasks are as well.
        for record in self._store.connectors() if kept.events is not None else ():
            # With thousands of connectors most have never had a task.
            if record.position == record.feed_floor and record.counts == TaskCounts():
                continue
            yield partial(self._store.purge_connector, record.id, kept, limit=_AT_A_TIME)
        if kept.request_ids is not None or kept.runs is not None:
            yield partial(self._store.purge_records, kept, limit=_AT_A_TIME)

    def _work(self) -> None:
        while not self._stopping.is_set():
            rest, begun = self._every_seconds, time.thread_time()
            try:
                if self.sweep() == Purged():
                    rest = max(rest, _REST_FOR_NOTHING * (time.thread_time() - begun))
            except (StoreUnavailable, OutcomeUnknown) as error:
                _log.warning("the purge was interrupted, and is tried again later: %s", error)
            except Exception:  # noqa: BLE001 - whatever the fault is, the next sweep may go well
                _log.exception("the purge was interrupted by a fault of the server")
            self._stopping.wait(rest)
