"""Tests of connectors: a bus for one connector, and the tests that every connector should pass.

The names are imported when they are first used: the plugin for pytest lies in this package and must load quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrationbus.server.testing.clock import ManualClock
    from integrationbus.server.testing.conformance import ConnectorConformance
    from integrationbus.server.testing.harness import ConnectorHarness

__all__ = ["ConnectorConformance", "ConnectorHarness", "ManualClock"]

_MODULES = {"ConnectorConformance": "conformance", "ConnectorHarness": "harness", "ManualClock": "clock"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
