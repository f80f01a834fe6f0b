"""A connector file becomes a class that is like any other."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from integrationbus.connectors import (
    Accepts,
    Cron,
    Dependency,
    Every,
    FailOnMissingKey,
    IntegrationConnector,
    OnLog,
    OnNotify,
    RetryPolicy,
    TreeNode,
    TypeInfo,
    WaitForMissingKey,
)
from integrationbus.connectors.cms import UserInfo
from integrationbus.connectors.declarative import InvalidConnectorFile, connector_class
from integrationbus.connectors.discovery import find_connectors
from integrationbus.connectors.object_class import describe
from integrationbus.connectors.policies import MissingKeyPolicy, Trigger

USERS = "name: users\nmappings:\n  - {class: cms.user, fields: {user_name: object.login}}\n"

THINGS = """\
name: things
mappings:
  - class: decl.thing
    fields: {code: object.code}
  - class: decl.leaf
    fields: {document_culture: site, node_alias: object.alias, heading: object.heading}
classes:
  - object_type: decl.thing
    table: decl_thing
    primary_key: thing_id
    code_name: code
    guid: guid
    site: site_id
    parent: parent_id
    group: group_id
    display_name: label
    columns:
      guid: {type: uuid}
      code: {type: text, length: 20}
      label: {type: text, default: none}
      count: {type: integer, default: 7}
      total: {type: big_integer, nullable: true}
      ratio: {type: float, default: 1}
      price: {type: decimal, precision: 10, scale: 2, default: 1.5}
      open: {type: boolean, default: true}
      since: {type: date, default: 2024-02-29}
      seen: {type: datetime, default: now}
      made: {type: datetime, default: '2024-01-01T00:00:00Z'}
      photo: {type: bytes, nullable: true}
      site_id: {references: cms.site, depends: required}
      parent_id: {references: decl.thing, depends: not_required}
      group_id: {references: community.group, depends: required, nullable: true}
      user_id: {references: cms.user, depends: required_has_default, default_code_name: nobody}
      page_id: {references: decl.leaf, depends: binding}
      elsewhere_id: {references: 'support.people:TeamInfo', depends: required}
  - object_type: decl.pair
    table: decl_pair
    columns:
      first_id: {references: 'decl.thing', depends: binding}
      team_id: {references: 'support.people:TeamInfo', depends: binding}
      number: {type: uuid, default: 00000000-0000-0000-0000-000000000007}
  - object_type: decl.leaf
    kind: page
    table: decl_leaf
    display_name: heading
    columns:
      heading: {type: text, length: 50}
"""


def write(folder: Path, text: str, name: str = "file.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_without_options_has_the_usual_ones(tmp_path: Path) -> None:
    cls = connector_class(write(tmp_path, USERS))
    assert issubclass(cls, IntegrationConnector)
    assert (cls.name, cls.display_name, cls.object_classes) == ("users", "", (UserInfo,))
    assert (cls.trigger, cls.retry, cls.clear_translations_after_processing) == (OnLog(), RetryPolicy(), True)
    assert cls.accepts == Accepts(content_types=("application/json",), prepared=False)
    assert cls.missing_key == FailOnMissingKey()


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("on_log", OnLog()),
        ("on_notify", OnNotify()),
        ("{every: 5 minutes}", Every(timedelta(minutes=5))),
        ("{every: 1 second}", Every(timedelta(seconds=1))),
        ("{cron: 0 3 * * mon-fri}", Cron("0 3 * * mon-fri")),
        ("{cron: '*/5 0,12 1-7 jan 0', timezone: Europe/Prague}", Cron("*/5 0,12 1-7 jan 0", "Europe/Prague")),
    ],
)
def test_the_trigger_is_that_of_the_file(tmp_path: Path, text: str, trigger: Trigger) -> None:
    assert connector_class(write(tmp_path, f"{USERS}trigger: {text}\n")).trigger == trigger


@pytest.mark.parametrize(
    ("text", "missing_key"),
    [
        ("fail", FailOnMissingKey()),
        ("wait", WaitForMissingKey(timedelta(days=7))),
        ("{wait: 1 second}", WaitForMissingKey(timedelta(seconds=1))),
        ("{wait: 30 days}", WaitForMissingKey(timedelta(days=30))),
        ("{wait: forever}", WaitForMissingKey(None)),
    ],
)
def test_what_a_missing_key_does_is_what_the_file_says(
    tmp_path: Path, text: str, missing_key: MissingKeyPolicy
) -> None:
    assert connector_class(write(tmp_path, f"{USERS}missing_key: {text}\n")).missing_key == missing_key


def test_the_other_options_are_those_of_the_file(tmp_path: Path) -> None:
    retry = "{max_attempts: 3, initial_delay: 10 minutes, multiplier: 1.5, max_failures: 2}"
    options = f"display_name: Users\nretry: {retry}\naccepts: [prepared]\nclear_translations_after_processing: false\n"
    cls = connector_class(write(tmp_path, USERS + options))
    assert cls.display_name == "Users"
    assert cls.accepts == Accepts(record=False, content_types=(), prepared=True)
    assert cls.clear_translations_after_processing is False
    assert cls.retry == RetryPolicy(
        max_attempts=3,
        initial_delay=timedelta(minutes=10),
        multiplier=1.5,
        max_delay=timedelta(minutes=10),
        max_failures=2,
    )


def test_toml_says_the_same(tmp_path: Path) -> None:
    toml = 'name = "users"\nmappings = [{class = "cms.user", fields = {user_name = "object.login"}}]\n'
    first, second = connector_class(write(tmp_path, USERS)), connector_class(write(tmp_path, toml, "file.toml"))
    assert first.rules.mappings[0].fields[0].expression.text == second.rules.mappings[0].fields[0].expression.text
    assert (first.name, first.object_classes) == (second.name, second.object_classes)


def test_a_file_is_one_class_and_its_connectors_beget_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, USERS)
    monkeypatch.chdir(tmp_path)
    cls = connector_class(path)
    assert connector_class("file.yaml") is cls
    assert type(type(cls())()) is cls
    write(tmp_path, USERS.replace("object.login", "object.name"))
    assert connector_class(path) is not cls


def test_the_classes_of_a_file_are_described_as_it_says(tmp_path: Path) -> None:
    cls = connector_class(write(tmp_path, THINGS))
    thing, pair, leaf, team = map(describe, cls.object_classes)
    assert thing.info == TypeInfo(
        object_type="decl.thing",
        code_name="code",
        guid="guid",
        site="site_id",
        parent="parent_id",
        group="group_id",
        display_name="label",
    )
    assert (thing.table.name, thing.primary_key, thing.is_page) == ("decl_thing", "thing_id", False)
    assert {(key.attribute, key.target_table, key.dependency, key.default_code_name) for key in thing.foreign_keys} == {
        ("site_id", "cms_site", Dependency.REQUIRED, None),
        ("parent_id", "decl_thing", Dependency.NOT_REQUIRED, None),
        ("group_id", "community_group", Dependency.REQUIRED, None),
        ("user_id", "cms_user", Dependency.REQUIRED_HAS_DEFAULT, "nobody"),
        ("page_id", "cms_tree", Dependency.BINDING, None),
        ("elsewhere_id", "test_team", Dependency.REQUIRED, None),
    }
    nullable = {name for name, column in thing.columns.items() if column.nullable}
    assert nullable == {"total", "photo", "parent_id", "group_id"}
    assert pair.is_binding
    assert pair.identity_attributes == {"first_id", "team_id"}
    assert leaf.is_page
    assert issubclass(leaf.cls, TreeNode)
    assert leaf.info == TypeInfo(object_type="decl.leaf", display_name="heading")
    assert team.object_type == "test.team"


def test_equal_classes_of_two_files_are_one_and_a_different_one_is_refused(tmp_path: Path) -> None:
    first = connector_class(write(tmp_path, THINGS))
    second = connector_class(write(tmp_path, THINGS.replace("name: things", "name: others"), "others.yaml"))
    assert first is not second
    assert first.object_classes == second.object_classes
    changed = write(tmp_path, THINGS.replace("length: 20", "length: 21"))
    with pytest.raises(InvalidConnectorFile, match=":9:12: another class has the table decl_thing; a class that is in"):
        connector_class(changed)


def test_a_file_is_found_by_setting_and_a_broken_one_keeps_no_other_away(tmp_path: Path) -> None:
    good, broken, absent = write(tmp_path, USERS), write(tmp_path, "nme: x\n", "broken.YML"), tmp_path / "absent.toml"
    paths = [str(good), str(broken), str(absent)]
    found = {item.class_path: item for item in find_connectors(paths, use_entry_points=False)}
    assert (found[str(good)].name, found[str(good)].problem) == ("users", "")
    assert found[str(absent)].problem.endswith("absent.toml:1:1: the file cannot be read: No such file or directory")
    assert found[str(broken)].connector is None
    assert found[str(broken)].problem.splitlines() == [
        f"InvalidConnectorFile: {broken}:1:1: a connector has no key nme; did you mean name?",
        f"{broken}:1:1: a connector needs mappings",
        f"{broken}:1:1: a connector needs name",
    ]


def test_without_the_extra_a_file_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "integrationbus.connectors.declarative", None)
    [found] = find_connectors([str(write(tmp_path, USERS))], use_entry_points=False)
    assert "connector files need integrationbus[declarative]" in found.problem
