"""Somebody who watches all changes, and now and then connects anew with the last token."""

import random
import threading
import time
from collections.abc import Mapping

from faults.checker.evidence import Watched
from faults.harness.notebook import Notebook

from integrationbus.client import BusError, Client, ResumeToken, TaskChange

__all__ = ["Watcher"]

_LONGEST_SITTING = 400
_PATIENCE_SECONDS = 120.0


class Watcher:
    """Notes what it receives, on a thread of its own, from the first change on."""

    def __init__(self, number: int, address: str, notebook: Notebook, seed: str) -> None:
        self.name = f"watcher{number}"
        self._client = Client(address, application=self.name, patience=_PATIENCE_SECONDS)
        self._notebook = notebook
        self._chance = random.Random(f"{seed} {self.name}")  # noqa: S311 - to be repeatable
        self._moved = threading.Condition()
        self._positions: dict[str, int] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=self.name)
        self.problem: Exception | None = None
        self.received = 0

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def finish(self, ends: Mapping[str, int], seconds: float = 60.0) -> None:
        """Wait until it has received everything up to the ends of the feeds, for so long at most, and end.

        Raises the BusError that ended the watch, if one did.
        """
        deadline = time.monotonic() + seconds
        with self._moved:
            while not self._has_come_to(ends) and self.problem is None and time.monotonic() < deadline:
                self._moved.wait(deadline - time.monotonic())
        self.give_up()
        if self.problem is not None:
            raise self.problem
        self._notebook.note(Watched(watcher=self.name, kind="end", token=self._positions))

    def give_up(self) -> None:
        """End wherever it is."""
        self._closing = True
        self._client.close()
        self._thread.join()

    def _has_come_to(self, ends: Mapping[str, int]) -> bool:
        return all(self._positions.get(name, 0) >= position for name, position in ends.items())

    def _work(self) -> None:
        try:
            token = ResumeToken(self._client.server_info().store_id, {})
            self._notebook.note(Watched(watcher=self.name, kind="start", token={}))
            while not self._closing:
                token = self._sit(token)
        except BusError as error:
            with self._moved:
                self.problem = None if self._closing else error
                self._moved.notify_all()

    def _sit(self, token: ResumeToken) -> ResumeToken:
        """Watch for a while; the token to go on from."""
        left = self._chance.randint(1, _LONGEST_SITTING)
        with self._client.watch(since=token) as watch:
            for change in watch:
                assert isinstance(change, TaskChange)
                assert watch.resume_token is not None
                token = watch.resume_token
                self._note(change, token)
                left -= 1
                if not left:
                    break
        return token

    def _note(self, change: TaskChange, token: ResumeToken) -> None:
        self._notebook.note(
            Watched(
                watcher=self.name,
                kind="change",
                token=token.positions,
                connector=change.connector,
                position=change.position,
                task_id=change.task_id,
                sequence=change.sequence,
                state=int(change.state),
            )
        )
        with self._moved:
            self._positions.update(token.positions)
            self.received += 1
            self._moved.notify_all()
