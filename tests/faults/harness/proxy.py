"""A proxy before PostgreSQL that cuts a connection before or after the commit of a transaction."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

__all__ = ["CuttingProxy"]

_COMMIT = b"COMMIT\x00"
_CHUNK = 65536

Cut = Literal["before", "after"]


class CuttingProxy:
    """Listens on 127.0.0.1 and hands everything on to a socket in the file system."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
        self._wanted: Cut | None = None
        self._cut = threading.Event()
        self._closing = False
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing = True
        # Closing alone does not wake a thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        with self._guard:
            left = list(self._open)
        for side in left:
            _end(side)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def redirect(self, target: Path) -> None:
        """Hand what connects from now on on to another socket."""
        self._target = target

    def cut_next(self, moment: Cut, seconds: float = 30.0) -> bool:
        """Cut the next connection that commits, before the commit leaves or after it was done; whether one came."""
        self._cut.clear()
        with self._guard:
            self._wanted = moment
        return self._cut.wait(seconds)

    def _accept(self) -> None:
        while not self._closing:
            with suppress(OSError):
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._guard:
            self._open |= {near, far}
        answers = threading.Thread(target=_pump, args=(far, near), daemon=True)
        with suppress(OSError):
            far.connect(str(self._target))
            answers.start()
            self._pump_requests(near, far)
        _end(near)
        _end(far)
        if answers.ident:
            answers.join()
        near.close()
        far.close()
        with self._guard:
            self._open -= {near, far}

    def _pump_requests(self, near: socket.socket, far: socket.socket) -> None:
        while chunk := near.recv(_CHUNK):
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


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    _end(sink)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
