"""The plugin for pytest: the fixture ``connector_harness``.

Every run of pytest loads it wherever the package is installed, so the server is imported by the first test that needs
it and not before.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from integrationbus.server.testing.harness import ConnectorHarness

__all__ = ["connector_harness"]


@pytest.fixture
def connector_harness() -> "Iterator[Callable[..., ConnectorHarness]]":
    """Makes a ConnectorHarness of what it is called with, and closes it at the end of the test."""
    from integrationbus.server.testing.harness import ConnectorHarness  # noqa: PLC0415 - see the module

    with ExitStack() as opened:
        yield lambda *arguments, **options: opened.enter_context(ConnectorHarness(*arguments, **options))
