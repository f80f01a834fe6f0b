"""A proxy before PostgreSQL that cuts a connection before or after the commit of a transaction."""

import socket
import threading
from pathlib import Path
from typing import Literal

from faults.harness.proxy import CHUNK, Proxy

__all__ = ["CuttingProxy"]

_COMMIT = b"COMMIT\x00"

Cut = Literal["before", "after"]


class CuttingProxy(Proxy):
    """Hands on what it gets, but for one commit now and then."""

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self._wanted: Cut | None = None
        self._cut = threading.Event()

    def cut_next(self, moment: Cut, seconds: float = 30.0) -> bool:
        """Cut the next connection that commits, before the commit leaves or after it was done; whether one came."""
        self._cut.clear()
        with self._guard:
            self._wanted = moment
        return self._cut.wait(seconds)

    def _pass_requests(self, near: socket.socket, far: socket.socket) -> None:
        while chunk := near.recv(CHUNK):
            cut = self._take_wanted() if chunk.endswith(_COMMIT) else None
            if cut == "after":
                # Nothing goes back any more: the answer arrives here and stays here.
                near.shutdown(socket.SHUT_WR)
            if cut != "before":
                far.sendall(chunk)
            if cut == "after":
                # The end of the requests makes the server finish what it has and close.
                far.shutdown(socket.SHUT_WR)
            if cut is not None:
                self._cut.set()
                return

    def _take_wanted(self) -> Cut | None:
        with self._guard:
            wanted, self._wanted = self._wanted, None
            return wanted
