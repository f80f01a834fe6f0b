"""What stands between a server and PostgreSQL, and hands everything on."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from faults.harness.postgres import BreakablePostgres
from sqlalchemy import make_url

__all__ = ["CHUNK", "Proxy"]

CHUNK = 65536


class Proxy:
    """Listens on 127.0.0.1 and hands everything on to a socket in the file system."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._guard = threading.Lock()
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

    def url_of(self, postgres: BreakablePostgres) -> str:
        """The URL of a database by way of this proxy."""
        port = int(self._listener.getsockname()[1])
        url = make_url(postgres.url).set(host="127.0.0.1", port=port, query={})
        return url.render_as_string(hide_password=False)

    def redirect(self, target: Path) -> None:
        """Hand what connects from now on on to another socket."""
        self._target = target

    def _pass_requests(self, near: socket.socket, far: socket.socket) -> None:
        """Hand on what a server sends, until one of the two ends; raises OSError."""
        while chunk := near.recv(CHUNK):
            far.sendall(chunk)

    def _pass_answers(self, far: socket.socket, near: socket.socket) -> None:
        """Hand on what the database sends, until one of the two ends; raises OSError."""
        while chunk := far.recv(CHUNK):
            near.sendall(chunk)

    def _accept(self) -> None:
        while not self._closing:
            with suppress(OSError):
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with self._guard:
            self._open |= {near, far}
        answers = threading.Thread(target=self._answer, args=(far, near), daemon=True)
        with suppress(OSError):
            far.connect(str(self._target))
            answers.start()
            self._pass_requests(near, far)
        _end(near)
        _end(far)
        if answers.ident:
            answers.join()
        near.close()
        far.close()
        with self._guard:
            self._open -= {near, far}

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            self._pass_answers(far, near)
        _end(near)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
