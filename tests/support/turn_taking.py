"""Workers that take turns, so that what connectors do to each other has one order and a model can foresee it."""

import threading
from datetime import datetime

from integrationbus.server.claims import NewRun
from integrationbus.server.processing.worker import ConnectorWorker

__all__ = ["TurnTakingWorker"]

_TURN = threading.Lock()


class TurnTakingWorker(ConnectorWorker):
    """Sees a run through alone; while it waits for a retry, others have their turn."""

    def wait_until(self, moment: datetime) -> None:
        _TURN.release()
        try:
            super().wait_until(moment)
        finally:
            _TURN.acquire()

    def _see_through(self, run: NewRun) -> None:
        with _TURN:
            super()._see_through(run)
