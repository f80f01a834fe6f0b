"""The public names of the SDK, and what a connector does that overrides nothing."""

from enum import IntEnum

import pytest

import integrationbus.connectors as sdk
from integrationbus.connectors import (
    Accepts,
    IntegrationConnector,
    OnLog,
    RetryPolicy,
    SnapshotHandling,
    TaskDataType,
    TaskType,
)
from integrationbus.connectors.task_types import MissingKeyAction
from integrationbus.v1 import enums_pb2


def test_public_names_are_pinned() -> None:
    assert sdk.__all__ == [
        "Accepts",
        "Attempt",
        "BaseInfo",
        "Cron",
        "Dependency",
        "DocumentParams",
        "Every",
        "ExactDecimal",
        "ExternalId",
        "FailOnMissingKey",
        "IntegrationConnector",
        "ObjectParams",
        "OnLog",
        "OnNotify",
        "Part",
        "Reference",
        "RetryPolicy",
        "RetryableError",
        "Snapshot",
        "SnapshotHandling",
        "TaskDataType",
        "TaskType",
        "TreeNode",
        "TypeInfo",
        "UtcDateTime",
        "WaitForMissingKey",
        "WorkflowStep",
        "foreign_key",
        "request_tasks_processing",
    ]
    assert all(hasattr(sdk, name) for name in sdk.__all__)


class Bare(IntegrationConnector):
    name = "bare"


def test_defaults_of_a_connector() -> None:
    assert Bare.display_name == ""
    assert Bare.object_classes == ()
    assert Bare.accepts == Accepts()
    assert Bare.trigger == OnLog()
    assert Bare.retry == RetryPolicy()
    assert Bare.clear_translations_after_processing is True


def test_prepare_must_be_implemented() -> None:
    with pytest.raises(NotImplementedError, match="Bare does not implement prepare_internal_object"):
        Bare().prepare_internal_object({}, TaskType.CREATE_OBJECT, TaskDataType.SIMPLE, None)


def test_keys_are_left_to_the_server_by_default() -> None:
    assert Bare().get_internal_object_params(5, "cms.user") is None
    assert Bare().get_internal_document_params("5", "cms.page") is None


@pytest.mark.parametrize(
    ("python_enum", "in_the_contract", "prefix"),
    [
        (TaskType, enums_pb2.TaskType.items(), "TASK_TYPE_"),
        (TaskDataType, enums_pb2.TaskDataType.items(), "TASK_DATA_TYPE_"),
        (SnapshotHandling, enums_pb2.SnapshotHandling.items(), "SNAPSHOT_HANDLING_"),
        (MissingKeyAction, enums_pb2.MissingKeyAction.items(), "MISSING_KEY_ACTION_"),
    ],
)
def test_enumerations_are_those_of_the_contract(
    python_enum: type[IntEnum], in_the_contract: list[tuple[str, int]], prefix: str
) -> None:
    expected = {name.removeprefix(prefix): number for name, number in in_the_contract if number}
    assert {member.name: member.value for member in python_enum} == expected


def test_task_types_know_their_kind() -> None:
    deletions = {TaskType.DELETE_OBJECT, TaskType.DELETE_DOCUMENT, TaskType.DELETE_ALL_CULTURES}
    assert {kind for kind in TaskType if kind.is_deletion} == deletions
    assert {kind for kind in TaskType if kind.is_about_a_site} == {TaskType.ADD_TO_SITE, TaskType.REMOVE_FROM_SITE}
    writing = {"CREATE_OBJECT", "UPDATE_OBJECT", "ADD_TO_SITE", "CREATE_DOCUMENT", "UPDATE_DOCUMENT"}
    assert {kind.name for kind in TaskType if kind.writes_columns} == writing
    for kind in TaskType:
        assert kind.is_for_pages == (kind.name.endswith("_DOCUMENT") or kind is TaskType.DELETE_ALL_CULTURES)


def test_only_simple_leaves_keys_alone() -> None:
    assert {kind for kind in TaskDataType if not kind.translates_keys} == {TaskDataType.SIMPLE}
