"""A server for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.served import Served, serve

CONNECTORS = (
    "support.people:PeopleConnector",
    "support.people:NotifiedConnector",
    "support.people:NarrowConnector",
    "integrationbus.connectors.iso3166:Iso3166Connector",
    "support.nowhere:LostConnector",
)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server with several connectors, one of which cannot be loaded."""
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", CONNECTORS) as running:
        yield running
