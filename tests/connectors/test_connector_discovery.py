"""Finding connectors: by setting, by entry point, and with one that fails among them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrationbus.connectors.discovery import FoundConnector, find_connectors

WORKING = """
from integrationbus.connectors import IntegrationConnector

class Connector(IntegrationConnector):
    name = "{name}"
"""

WriteModule = Callable[[str, str], str]
"""Writes a module and returns its name. Arguments: name, source."""


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    monkeypatch.syspath_prepend(str(tmp_path))
    written: list[str] = []

    def write(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str], None]:
    """Pretends that a package with these lines of entry points is installed."""

    def install(entry_points: str) -> None:
        folder = tmp_path / "pretended-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: pretended\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[integrationbus.connectors]\n{entry_points}\n")

    return install


def by_setting(*class_paths: str) -> list[FoundConnector]:
    return find_connectors(class_paths, use_entry_points=False)


def only(found: list[FoundConnector]) -> FoundConnector:
    assert len(found) == 1
    return found[0]


def test_a_class_named_in_the_settings_is_loaded(write_module: WriteModule) -> None:
    write_module("disco_good", WORKING.format(name="good"))
    found = only(by_setting(" disco_good:Connector ", ""))
    assert (found.name, found.class_path, found.problem) == ("good", "disco_good:Connector", "")
    assert found.connector is not None
    assert found.connector.name == "good"


def test_a_class_of_an_entry_point_is_loaded(write_module: WriteModule, install: Callable[[str], None]) -> None:
    write_module("disco_entry", WORKING.format(name="entry"))
    install("whatever = disco_entry:Connector")
    assert "entry" in {found.name for found in find_connectors([])}
    assert by_setting() == []


def test_a_class_found_twice_counts_once(write_module: WriteModule, install: Callable[[str], None]) -> None:
    write_module("disco_twice", WORKING.format(name="twice"))
    write_module("disco_alias", "from disco_twice import Connector")
    install("twice = disco_twice:Connector")
    found = find_connectors(["disco_twice:Connector", "disco_alias:Connector"])
    assert only([item for item in found if item.name == "twice"]).problem == ""


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import a_module_that_nobody_has", "ModuleNotFoundError: No module named 'a_module_that_nobody_has'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def", "SyntaxError: "),
        ("", "AttributeError: module 'disco_bad' has no attribute 'Connector'"),
        ("class Connector: name = 'bad'", "is not a subclass of IntegrationConnector"),
        ("Connector = 5", "is not a subclass of IntegrationConnector"),
        (WORKING.format(name="Has Spaces"), "name must be 1 to 100 of"),
        (WORKING.format(name=""), "name must be 1 to 100 of"),
        (WORKING.format(name="x" * 101), "name must be 1 to 100 of"),
        (WORKING.replace('"{name}"', "5"), "name must be 1 to 100 of"),
        (WORKING.replace('name = "{name}"', "pass"), "name must be 1 to 100 of"),
        (WORKING.format(name="bad") + "    object_classes = (int,)", "InvalidObjectClass: int has no type_info"),
        (WORKING.format(name="bad") + "    def __init__(self): raise OSError('no licence')", "OSError: no licence"),
    ],
)
def test_a_connector_that_fails_is_reported_and_keeps_no_other_away(
    write_module: WriteModule, source: str, problem: str
) -> None:
    write_module("disco_good", WORKING.format(name="good"))
    write_module("disco_bad", source)
    found = {item.class_path: item for item in by_setting("disco_bad:Connector", "disco_good:Connector")}
    bad = found["disco_bad:Connector"]
    assert problem in bad.problem
    assert bad.connector is None
    assert bad.name == "disco_bad:Connector"
    assert found["disco_good:Connector"].connector is not None


def test_a_path_without_a_class_is_reported() -> None:
    assert only(by_setting("just_a_module")).problem == "ValueError: 'just_a_module' is not of the form module:Class"


def test_ctrl_c_while_a_connector_is_imported_is_not_swallowed(write_module: WriteModule) -> None:
    write_module("disco_interrupted", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        by_setting("disco_interrupted:Connector")


def test_two_classes_of_one_name_are_both_unusable(write_module: WriteModule) -> None:
    write_module("disco_first", WORKING.format(name="same"))
    write_module("disco_second", WORKING.format(name="same"))
    found = only(by_setting("disco_first:Connector", "disco_second:Connector"))
    assert found.connector is None
    assert found.problem == "2 connectors are named 'same': disco_first:Connector, disco_second:Connector"


def test_a_broken_connector_does_not_take_the_name_of_a_good_one(
    write_module: WriteModule, install: Callable[[str], None]
) -> None:
    write_module("disco_broken", "1 / 0")
    write_module("disco_good", WORKING.format(name="crm"))
    install("crm = disco_broken:Connector")
    found = {item.name: item for item in find_connectors(["disco_good:Connector"])}
    assert found["crm"].connector is not None
    assert found["disco_broken:Connector"].problem == "ZeroDivisionError: division by zero"


def test_a_broken_connector_goes_by_the_name_of_its_entry_point(
    write_module: WriteModule, install: Callable[[str], None]
) -> None:
    write_module("disco_broken", "1 / 0")
    install("crm = disco_broken:Connector")
    assert {item.name: item.problem for item in find_connectors([])}["crm"] == "ZeroDivisionError: division by zero"
