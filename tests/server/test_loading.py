"""Loading connectors: what cannot be used is shown, and keeps nobody else away."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from support.clocks import ManualClock

from integrationbus.server.loading import load_connectors
from integrationbus.server.storage.opened import OpenedStore, open_store

MISFITS = {
    "raising": ("support.misfits:Raising", "no configuration"),
    "badcron": ("support.misfits:BadCron", "Wrong number of fields"),
    "badzone": ("support.misfits:BadZone", "no time zone 'Mars/Base'"),
    "badtrigger": ("support.misfits:BadTrigger", "trigger must be an instance of OnLog"),
    "badaccepts": ("support.misfits:BadAccepts", "accepts must be an instance of Accepts"),
    "badtable": ("support.misfits:BadTable", "test_thing has no column name"),
    "zclashing": ("support.misfits:Clashing", "test.team"),
    "support.misfits:Unnamed": ("support.misfits:Unnamed", "name must be"),
    "support.misfits:Missing": ("support.misfits:Missing", "Missing"),
    "no.such.module:X": ("no.such.module:X", "No module named"),
    "nonsense": ("nonsense", "not of the form module:Class"),
}


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> OpenedStore:
    return open_store(f"sqlite:///{tmp_path / 'bus.db'}", clock)


def test_each_misfit_says_what_is_wrong_and_the_others_work(opened: OpenedStore) -> None:
    with opened.database.write() as connection:
        connection.execute(text("CREATE TABLE test_thing (thing_id INTEGER PRIMARY KEY)"))
    paths = ["support.people:PeopleConnector", *(path for path, _ in MISFITS.values())]
    registry = load_connectors(opened, paths, use_entry_points=False)
    opened.close()
    problems = {item.name: item.problem for item in registry.connectors}
    assert problems.pop("people") == ""
    assert registry.get("people").connector is not None
    by_path = {item.class_path: item.problem for item in registry.connectors}
    for path, says in MISFITS.values():
        assert says in by_path[path]
    assert all(item.connector is None for item in registry.connectors if item.problem)


def test_a_connector_that_is_no_longer_configured_keeps_its_tasks_and_says_so(opened: OpenedStore) -> None:
    load_connectors(opened, ["support.people:PeopleConnector"], use_entry_points=False)
    registry = load_connectors(opened, [], use_entry_points=False)
    opened.close()
    [people] = registry.connectors
    assert (people.name, people.connector) == ("people", None)
    assert "no longer configured" in people.problem


def test_a_path_that_was_mistyped_once_is_no_connector(opened: OpenedStore) -> None:
    mistyped = "support.people:PeopleConector"
    [wrong] = load_connectors(opened, [mistyped], use_entry_points=False).connectors
    right = load_connectors(opened, ["support.people:PeopleConnector"], use_entry_points=False)
    again = load_connectors(opened, [mistyped], use_entry_points=False)
    opened.close()
    assert (wrong.name, wrong.connector) == (mistyped, None)
    assert right.names == ["people"]
    assert set(again.names) == {"people", mistyped}, "whoever types it sees what is wrong"


def test_a_connector_that_comes_back_is_the_same_one(opened: OpenedStore) -> None:
    first = load_connectors(opened, ["support.people:PeopleConnector"], use_entry_points=False)
    again = load_connectors(opened, ["support.people:PeopleConnector"], use_entry_points=False)
    opened.close()
    assert first.get("people").id == again.get("people").id


def test_a_known_connector_that_cannot_be_imported_any_more_says_why_under_its_name(
    opened: OpenedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "support.people:PeopleConnector"
    load_connectors(opened, [path], use_entry_points=False)
    monkeypatch.setitem(sys.modules, "support.people", None)
    registry = load_connectors(opened, [path], use_entry_points=False)
    opened.close()
    [people] = registry.connectors
    assert (people.name, people.connector) == ("people", None)
    assert "support.people" in people.problem
