"""Learning what other processes did to the database."""

import logging
import random
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.replica import News, RequestedRun
from integrationbus.server.store import Store

__all__ = ["Lookout", "Tidings"]

_log = logging.getLogger(__name__)

_REST_SECONDS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidings:
    """What is new: the ids of the connectors that changed, and of those for which tasks were logged; and what is left.

    For the rest see ``News``; it is there until somebody has seen to it.
    """

    changed: Collection[int]
    logged: Collection[int]
    called: Sequence[str]
    requested: Sequence[RequestedRun]
    cancelled: Sequence[str]
    held: Sequence[str]
    halted: Sequence[str]


class Lookout:
    """Looks at the database every ``seconds``, and at once when told to, on a thread of its own.

    The looks that it is told to take only make it faster: what nobody told is found by the next regular one.
    """

    def __init__(self, store: Store, seconds: float, on_tidings: Callable[[Tidings], None]) -> None:
        self._store = store
        self._seconds = seconds
        self._on_tidings = on_tidings
        self._sequences: Mapping[int, int] = {}
        self._positions: Mapping[int, int] = {}
        self._changed = threading.Condition()
        self._wanted = False
        self._stopping = False
        self._thread = threading.Thread(target=self._look_on, name="lookout")

    def start(self) -> None:
        """Begin to look; what happened before now is not new. Raises StoreUnavailable."""
        self._compared(self._store.news())
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def look_now(self) -> None:
        """Somebody says that there is something to see."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def _look_on(self) -> None:
        while True:
            with self._changed:
                seconds = self._seconds * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
                self._changed.wait_for(lambda: self._wanted or self._stopping, timeout=seconds)
                self._wanted = False
                if self._stopping:
                    return
                # Under load many call at once: they are served by one look.
                self._changed.wait_for(lambda: self._stopping, timeout=_REST_SECONDS)
            try:
                self._on_tidings(self._compared(self._store.news()))
            except StoreUnavailable as error:
                _log.warning("what others did cannot be seen, trying again: %s", error)
            except Exception:  # noqa: BLE001 - whatever the fault is, the next look may succeed
                _log.exception("a fault of the server kept it from seeing what others did")

    def _compared(self, news: News) -> Tidings:
        changed, self._positions = _moved(self._positions, news.positions), news.positions
        logged, self._sequences = _moved(self._sequences, news.sequences), news.sequences
        return Tidings(
            changed=changed,
            logged=logged,
            called=news.called,
            requested=news.requested,
            cancelled=news.cancelled,
            held=news.held,
            halted=news.halted,
        )


def _moved(before: Mapping[int, int], after: Mapping[int, int]) -> Collection[int]:
    return [each for each, number in after.items() if before.get(each, 0) != number]
