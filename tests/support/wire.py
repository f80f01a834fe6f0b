"""The way to a PostgreSQL, which a test can cut in the middle of a transaction."""

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import make_url

__all__ = ["Wire", "wire_to"]

_AT_A_TIME = 1 << 16

# The message at the end of a greeting: the number of the session, and a secret to cancel its statements with.
_NUMBER = re.compile(rb"K\0\0\0\x0c(.{4})(.{4})(?=Z\0\0\0\x05)", re.DOTALL)
_OTHER = b"K\0\0\0\x0c\x7f\x01\x02\x03\\2"


class Wire:
    """Forwards everything between clients and a PostgreSQL, until it is told to cut.

    ``sent`` is what clients sent, in the order of its coming. ``as_pooler`` makes it tell clients another number of
    their session than the server does, as a pooler has to.
    """

    as_pooler = False

    def __init__(self, folder: str) -> None:
        self._server = str(Path(folder) / ".s.PGSQL.5432")
        self._door = socket.create_server(("127.0.0.1", 0))
        self._cut: tuple[bytes, bool] | None = None
        self.port: int = self._door.getsockname()[1]
        self.sent = bytearray()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut_at(self, message: bytes, *, delivered: bool) -> None:
        """Cut the first connection that sends this, with the message delivered and answered, or not."""
        self._cut = (message, delivered)

    @property
    def was_cut(self) -> bool:
        """Whether what ``cut_at`` asked for was done."""
        return self._cut is None

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            while True:
                readable, _, _ = select.select([client, server], [], [])
                for end in readable:
                    data = end.recv(_AT_A_TIME)
                    if not data or (end is client and self._is_cut(data, server)):
                        return
                    if end is client:
                        server.sendall(data)
                    else:
                        client.sendall(_NUMBER.sub(_OTHER, data, count=1) if self.as_pooler else data)

    def _is_cut(self, data: bytes, server: socket.socket) -> bool:
        self.sent += data
        if self._cut is None or self._cut[0] not in data:
            return False
        _, delivered = self._cut
        if delivered:
            server.sendall(data)
            assert server.recv(_AT_A_TIME), "the server answers"
        self._cut = None
        return True


@contextmanager
def wire_to(url: str) -> Iterator[tuple[Wire, str]]:
    """A wire to the database of a URL, and the URL that leads through it."""
    parsed = make_url(url)
    folder = parsed.query["host"]
    assert isinstance(folder, str)
    wire = Wire(folder)
    try:
        through = parsed.set(host="127.0.0.1", port=wire.port, query={})
        yield wire, through.render_as_string(hide_password=False)
    finally:
        wire.close()
