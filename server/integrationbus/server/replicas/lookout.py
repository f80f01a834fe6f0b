"""Learning what other processes did to the database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from integrationbus.server.replica import News, RequestedRun
from integrationbus.server.replicas.regularly import Regularly
from integrationbus.server.store import Store

__all__ = ["Lookout", "Tidings"]

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
        self._on_tidings = on_tidings
        self._sequences: Mapping[int, int] = {}
        self._positions: Mapping[int, int] = {}
        self._looks = Regularly(
            self._look,
            name="lookout",
            seconds=seconds,
            trouble="what others did cannot be seen",
            rest_seconds=_REST_SECONDS,
        )

    def start(self) -> None:
        """Begin to look; what happened before now is not new. Raises StoreUnavailable."""
        self._compared(self._store.news())
        self._looks.start()

    def stop(self) -> None:
        """Look no more."""
        self._looks.stop()

    def look_now(self) -> None:
        """Somebody says that there is something to see."""
        self._looks.now()

    def _look(self) -> None:
        self._on_tidings(self._compared(self._store.news()))

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
