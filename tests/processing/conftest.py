"""What several tests of processing need."""

from collections.abc import Iterator

import pytest
from support.bench import Workbench
from support.gates import Gate


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, bus: Workbench) -> Iterator[Gate]:  # noqa: ARG001 - opened before it closes
    gate = Gate(monkeypatch)
    yield gate
    gate.open()
