"""A connector that stands still until it is let go on."""

import threading
from typing import Any

import pytest

from support.people import PeopleConnector

__all__ = ["Gate"]


class Gate:
    """Stops the connector in prepare_internal_object until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reached, self._opened = threading.Event(), threading.Event()
        prepare = PeopleConnector.prepare_internal_object

        def waiting(connector: PeopleConnector, *arguments: Any) -> object:
            self._reached.set()
            assert self._opened.wait(timeout=30)
            return prepare(connector, *arguments)

        monkeypatch.setattr(PeopleConnector, "prepare_internal_object", waiting)

    def wait_until_reached(self) -> None:
        assert self._reached.wait(timeout=30)

    def open(self) -> None:
        self._opened.set()
