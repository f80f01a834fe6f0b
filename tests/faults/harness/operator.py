"""Somebody who releases connectors that a failure has halted."""

import random
import threading
from collections.abc import Sequence
from contextlib import suppress

from integrationbus.client import BusError, Client, ConnectorState, HeadAction

__all__ = ["Operator"]

_PAUSE_SECONDS = 0.3
_ACTIONS = (HeadAction.SKIP, HeadAction.DELETE, HeadAction.RETRY)


class Operator:
    """Looks at the connectors again and again, on a thread of its own."""

    def __init__(self, addresses: Sequence[str], seed: str) -> None:
        self._clients = [Client(address, application="operator", timeout=5.0) for address in addresses]
        self._chance = random.Random(f"{seed} operator")  # noqa: S311 - to be repeatable
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="operator")
        self.releases = 0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()
        for client in self._clients:
            client.close()

    def _work(self) -> None:
        while not self._stopping.wait(_PAUSE_SECONDS):
            # A server that is away is asked the next time.
            with suppress(BusError):
                self._release(self._chance.choice(self._clients))

    def _release(self, client: Client) -> None:
        for connector in client.list_connectors():
            if connector.state is ConnectorState.HALTED:
                [action] = self._chance.choices(_ACTIONS, (5, 3, 2))
                client.resume_connector(connector.name, action, reason="as the harness says")
                self.releases += 1
