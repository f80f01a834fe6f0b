"""The tables of the guide do what they say: each row is tried on a real bus."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.guide import rows_of
from support.people import PeopleConnector

from integrationbus.client import (
    HeadAction,
    MissingKeyAction,
    Payload,
    PreparedObject,
    PreparedPage,
    PreparedPart,
    ProcessType,
    SnapshotHandling,
    Task,
    TaskDataType,
    TaskEffect,
    TaskType,
)
from integrationbus.connectors import IntegrationConnector
from integrationbus.connectors import TaskType as SdkTaskType
from integrationbus.connectors.cms import Page, RoleInfo, SiteInfo, UserInfo, UserRoleInfo, UserSiteInfo
from integrationbus.server.testing import ConnectorHarness

CREATE = TaskType.CREATE_OBJECT
LATER = ProcessType.SKIP_ON_ERROR


class TableConnector(IntegrationConnector):
    """Makes what callers prepare."""

    name = "tables"
    object_classes = (SiteInfo, UserInfo, RoleInfo, UserRoleInfo, UserSiteInfo, Page)


@pytest.fixture(scope="module")
def bus() -> Iterator[ConnectorHarness]:
    """A bus with the site "main" and the page /target."""
    with ConnectorHarness(TableConnector) as harness:
        harness.succeed(CREATE, PreparedObject("cms.site", {"site_name": "main"}))
        harness.succeed(TaskType.CREATE_DOCUMENT, page("target"), site="main")
        yield harness


def user(name: str) -> PreparedObject:
    return PreparedObject("cms.user", {"user_name": name})


def page(alias: str, parent_path: str = "/") -> PreparedPage:
    return PreparedPage("cms.page", "en-US", {}, alias=alias, parent_path=parent_path)


def outcome_of(task: Task) -> str:
    """The effect of a task, or the reason of its failure."""
    if task.result is not None:
        return task.result.effect.name
    assert task.last_error is not None
    return task.last_error.reason


def is_for_pages(task_type: TaskType) -> bool:
    return SdkTaskType(task_type).is_for_pages


def first_word(cell: str) -> str:
    """The first name in code marks; what a cell says above all."""
    found = re.search(r"`([A-Z_]+)`", cell)
    assert found, cell
    return found[1]


def task_type_rows() -> list[tuple[TaskType, str, str]]:
    """Each task type, with what the guide says of a target that exists, and of one that does not."""
    rows: list[tuple[TaskType, str, str]] = []
    # A table with two cells tells of workflow steps.
    for name, existing, missing in (row for row in rows_of("`TaskType`") if len(row) == 3):
        said = rows[-1][2] if missing == "the same" else first_word(missing)
        rows.append((TaskType[name.strip("`")], first_word(existing), said))
    return rows


def make_target(bus: ConnectorHarness, task_type: TaskType, name: str) -> None:
    """Make what a task of this type is about."""
    if is_for_pages(task_type):
        bus.succeed(TaskType.CREATE_DOCUMENT, page(name), site="main", external_id=name)
    elif task_type is TaskType.REMOVE_FROM_SITE:
        bus.succeed(TaskType.ADD_TO_SITE, user(name), site="main", external_id=name)
    else:
        bus.succeed(CREATE, user(name), external_id=name)


def payload_for(task_type: TaskType, name: str) -> Payload:
    """What a task of this type carries; a page that is to be moved names the parent that it goes to."""
    if task_type is TaskType.MOVE_DOCUMENT:
        return page(name, "/target")
    return page(name) if is_for_pages(task_type) else user(name)


@pytest.mark.parametrize(("task_type", "existing", "missing"), task_type_rows(), ids=str)
def test_task_types_do_what_the_tables_say(
    bus: ConnectorHarness, task_type: TaskType, existing: str, missing: str
) -> None:
    site = "main" if is_for_pages(task_type) or task_type in (TaskType.ADD_TO_SITE, TaskType.REMOVE_FROM_SITE) else ""
    for name, expected in ((f"{task_type.name}-there", existing), (f"{task_type.name}-missing", missing)):
        if expected is existing:
            make_target(bus, task_type, name)
        task = bus.process(task_type, payload_for(task_type, name), site=site, external_id=name, process_type=LATER)
        assert outcome_of(task) == expected, name


def test_every_task_type_and_every_effect_is_in_these_tables() -> None:
    rows = task_type_rows()
    assert {task_type for task_type, _, _ in rows} == set(TaskType)
    effects = {word for _, existing, missing in rows for word in (existing, missing)}
    assert effects - {"TARGET_NOT_FOUND"} == {effect.name for effect in TaskEffect}


@pytest.mark.parametrize("row", rows_of("`MissingKeyAction`"), ids=lambda row: str(row[0]))
def test_missing_keys_do_what_the_table_says(bus: ConnectorHarness, row: list[str]) -> None:
    action = MissingKeyAction[row[0].strip("`")]
    role = PreparedObject("cms.role", {"role_name": f"waits-{action.name}", "site_id": f"nowhere-{action.name}"})
    task = bus.process(CREATE, role, process_type=LATER, missing_key=action)
    if action is MissingKeyAction.WAIT:
        assert "becomes WAITING" in row[1]
        assert task.state.name == "WAITING"
    else:
        assert first_word(row[1]) == outcome_of(task)
        assert task.state.name == "FAILED"


@pytest.mark.parametrize("row", rows_of("`SnapshotHandling`"), ids=lambda row: str(row[0]))
def test_parts_that_are_not_mentioned_go_or_stay_as_the_table_says(bus: ConnectorHarness, row: list[str]) -> None:
    handling = SnapshotHandling[row[0].strip("`")]
    name = f"snapshot-{handling.name}"
    for role in ("admin", "editor"):
        bus.succeed(CREATE, PreparedObject("cms.role", {"role_name": role}), external_id=role)

    def written(*roles: str) -> Task:
        bindings = [PreparedObject("cms.userrole", {"role_id": role}) for role in roles]
        part = PreparedPart("cms.userrole", bindings, handling=handling)
        snapshot = PreparedObject("cms.user", {"user_name": name}, parts=[part])
        return bus.succeed(CREATE, snapshot, data_type=TaskDataType.SNAPSHOT)

    written("admin")
    result = written("editor").result
    assert result is not None
    effects = [item.effect for item in result.touched]
    said = {"are deleted": [TaskEffect.CREATED, TaskEffect.DELETED], "are kept": [TaskEffect.CREATED]}
    assert effects == next(expected for words, expected in said.items() if row[1].startswith(words))


def process_type_rows() -> list[tuple[ProcessType, str, bool, bool]]:
    """Each process type: the state of a failed task, whether the run goes on, and whether a later one tries again."""
    rows = {name.strip("`"): cells for name, *cells in rows_of("`ProcessType`")}
    rows["SKIP_ONCE"][0] = rows["DEFAULT"][0]
    return [
        (ProcessType[name], first_word(state), run == "goes on", retried.startswith("a later run"))
        for name, (state, run, retried) in rows.items()
    ]


@pytest.mark.parametrize(("process_type", "state", "goes_on", "retried"), process_type_rows(), ids=str)
def test_failures_mean_what_the_table_says(
    bus: ConnectorHarness, process_type: ProcessType, state: str, goes_on: bool, retried: bool
) -> None:
    # "goes on" of SKIP_ONCE is said of the run that passes it over.
    bad = user("x" * 500)
    task = bus.process(CREATE, bad, process_type=process_type)
    if process_type is ProcessType.SKIP_ONCE:
        assert task.state.name == "SKIPPED"
        run, goes_on = bus.run(), False
    else:
        run = bus.run()
    assert bus.task(task.id).state.name == state
    behind = bus.process(CREATE, user(f"behind-{process_type.name}"))
    assert behind.state.name == ("SUCCEEDED" if goes_on else "PENDING")
    attempts = bus.task(task.id).attempts
    assert run.state.name == ("COMPLETED" if goes_on else "HALTED")
    if not goes_on:
        bus.resume(HeadAction.DELETE)
    bus.clock.advance(timedelta(days=1))
    bus.run()
    assert (bus.task(task.id).attempts > attempts) is retried


MISSING_TARGETS: dict[str, tuple[str, dict[str, object], str]] = {
    "REQUIRED": ("fails with `KEY_NOT_FOUND`", {"name": "Ada", "boss_id": "9"}, "KEY_NOT_FOUND"),
    "REQUIRED_HAS_DEFAULT": ("the default object takes its place", {"name": "Bob", "team_id": "9"}, "CREATED"),
    "NOT_REQUIRED": ("null, with a note", {"name": "Cy", "friend_id": "9"}, "CREATED"),
    "BINDING": ("a task about the binding fails", {"make": "user_role", "user_id": "9"}, "KEY_NOT_FOUND"),
}
"""For each dependency what the guide says, a record whose key points at nothing, and what comes of it."""


@pytest.mark.parametrize("row", rows_of("`Dependency`"), ids=lambda row: str(row[0]))
def test_missing_targets_mean_what_the_table_says(row: list[str]) -> None:
    said, fields, expected = MISSING_TARGETS[row[0].strip("`")]
    assert said in row[1]
    with ConnectorHarness(PeopleConnector) as bus:
        default = bus.succeed(CREATE, {"make": "team", "name": "nobody"}).result
        task = bus.process(CREATE, fields, process_type=LATER)
        assert outcome_of(task) == expected
        if task.result is None:
            return
        assert default is not None
        assert "9" in task.result.notes[0]
        made = bus.object("test.person", task.result.object_id).fields
        assert (made["team_id"], made["friend_id"]) == (default.object_id if "team_id" in fields else None, None)
