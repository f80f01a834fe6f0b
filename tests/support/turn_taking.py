"""Workers that take turns, so that what connectors do to each other has one order and a model can foresee it."""

import threading
from datetime import datetime
from typing import Any

from integrationbus.server.claims import NewRun
from integrationbus.server.processing.worker import ConnectorWorker

__all__ = ["TurnTakingWorker"]

_TURN = threading.Lock()


class TurnTakingWorker(ConnectorWorker):
    """Sees a run through alone; while it waits for a retry, others have their turn."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._resting = "idle"

    def wait_for_rest(self) -> None:
        """Return when the thread sleeps, and nobody has woken it."""
        with self._changed:
            assert self._changed.wait_for(self._is_at_rest, timeout=10), f"{self.name} does not come to rest"

    def wait_until(self, moment: datetime) -> None:
        _TURN.release()
        try:
            with self._changed:
                self._rest("retry")
                super().wait_until(moment)
                self._resting = ""
        finally:
            _TURN.acquire()

    def _next_run(self) -> NewRun | None:
        with self._changed:
            self._rest("idle")
            run = super()._next_run()
            self._resting = ""
            return run

    def _see_through(self, run: NewRun) -> None:
        with _TURN:
            super()._see_through(run)

    def _rest(self, how: str) -> None:
        self._resting = how
        self._changed.notify_all()

    def _is_at_rest(self) -> bool:
        if self._resting == "idle":
            return self._asked.active is None
        return self._resting == "retry" and not self._poked
