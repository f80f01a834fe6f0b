"""A network between a server and PostgreSQL that is slow, or loses everything for a while."""

import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from faults.harness.proxy import CHUNK, Proxy

__all__ = ["BadNetwork"]

_WAIT_SECONDS = 60.0


class BadNetwork(Proxy):
    """Hands on what it gets, each piece after up to ``most_seconds``, as long as the two sides see each other."""

    def __init__(self, target: Path, seed: str = "", most_seconds: float = 0.0) -> None:
        super().__init__(target)
        self._chance = random.Random(f"{seed} network")  # noqa: S311 - to be repeatable
        self._most_seconds = most_seconds
        self._last_words: Sequence[bytes] = ()
        self._parted = threading.Event()
        self._whole = threading.Event()
        self._whole.set()

    @contextmanager
    def parted(self, *last_words: bytes) -> Iterator[None]:
        """While this is open nothing comes through, and nobody is told; what was sent meanwhile arrives afterwards.

        With words the two are parted as soon as requests with these, in this order, were handed on for one connection.
        Raises TimeoutError when none came.
        """
        with self._guard:
            self._parted.clear()
            self._last_words = last_words
            if not last_words:
                self._part()
        try:
            if not self._parted.wait(_WAIT_SECONDS):
                raise TimeoutError(f"nobody asked the database for {last_words}")
            yield
        finally:
            with self._guard:
                self._last_words = ()
                self._whole.set()

    def _part(self) -> None:
        self._last_words = ()
        self._whole.clear()
        self._parted.set()

    def _pass_requests(self, near: socket.socket, far: socket.socket) -> None:
        left: Sequence[bytes] = ()
        for chunk in self._pieces_of(near):
            far.sendall(chunk)
            with self._guard:
                left = self._left_of(left or self._last_words, chunk) if self._last_words else ()

    def _left_of(self, words: Sequence[bytes], chunk: bytes) -> Sequence[bytes]:
        """The words still to come on a connection; with the last of them the two are parted."""
        if words[0] not in chunk:
            return words
        if len(words) == 1:
            self._part()
        return words[1:]

    def _pass_answers(self, far: socket.socket, near: socket.socket) -> None:
        for chunk in self._pieces_of(far):
            near.sendall(chunk)

    def _pieces_of(self, source: socket.socket) -> Iterator[bytes]:
        """What arrives, when the network would hand it on."""
        while chunk := source.recv(CHUNK):
            if self._most_seconds:
                time.sleep(self._chance.uniform(0, self._most_seconds))
            self._whole.wait()
            yield chunk
