"""Something that is done regularly, on a thread of its own, and at once when somebody says so."""

import logging
import random
import threading
from collections.abc import Callable

from integrationbus.server.errors import OutcomeUnknown, StoreUnavailable

__all__ = ["Regularly"]

_log = logging.getLogger(__name__)


class Regularly:
    """Calls ``work`` every ``seconds``, a little sooner by chance, so that replicas do not come together for ever.

    What it raises is logged as ``trouble``, and it is called again all the same. Between two calls it rests at least
    ``rest_seconds``: under load many ask at once, and are served by one call.
    """

    def __init__(
        self, work: Callable[[], None], *, name: str, seconds: float, trouble: str, rest_seconds: float = 0.0
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._trouble = trouble
        self._rest_seconds = rest_seconds
        self._changed = threading.Condition()
        self._wanted = False
        self._stopping = False
        self._thread = threading.Thread(target=self._go_on, name=name)

    def start(self) -> None:
        """Begin; the first call comes after the time of one round."""
        self._thread.start()

    def stop(self) -> None:
        """End after the call in hand; nothing happens when it was never started."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def now(self) -> None:
        """Make the next call come at once."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def _go_on(self) -> None:
        while self._wait():
            try:
                self._work()
            except (StoreUnavailable, OutcomeUnknown) as error:
                _log.warning("%s, trying again: %s", self._trouble, error)
            except Exception:  # noqa: BLE001 - whatever the fault is, the next call may succeed
                _log.exception("%s, by a fault of the server", self._trouble)

    def _wait(self) -> bool:
        """Wait for the next call; False when it is time to end."""
        seconds = self._seconds * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, timeout=self._rest_seconds)
            self._changed.wait_for(lambda: self._wanted or self._stopping, timeout=seconds)
            self._wanted = False
            return not self._stopping
