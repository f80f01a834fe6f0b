"""Tokens and filters: what a request may name."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrationbus.server.errors import InvalidField, PageTokenInvalid, ResumeTokenInvalid
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.queries import read_filter, read_resume_token, wants_payload, write_resume_token
from integrationbus.server.task import ProcessType, TaskDataType, TaskState
from integrationbus.server.task_queries import TaskQuery
from integrationbus.v1 import enums_pb2
from integrationbus.v1.notify_service_pb2 import ListRunsRequest
from integrationbus.v1.object_service_pb2 import ListObjectsRequest
from integrationbus.v1.task_pb2 import ResumeToken, TaskFilter
from integrationbus.v1.task_service_pb2 import ListTasksRequest

CRM = RegisteredConnector(id=7, name="crm", class_path="", connector=None, problem="", object_classes={})
REGISTRY = ConnectorRegistry([CRM], [])
ANY_STATE, NEWER_STATE = enums_pb2.TASK_STATE_UNSPECIFIED, enums_pb2.TaskState.ValueType(99)
REQUEST = ListTasksRequest(filter=TaskFilter(connectors=["crm"], labels={"a": "1", "b": "2"}))


def forged(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_page_token_leads_back_to_its_place(connector_id: int, sequence: int) -> None:
    token = write_page_token(REQUEST, [connector_id, sequence], "s")
    same = ListTasksRequest(
        filter=TaskFilter(connectors=["crm"], labels={"b": "2", "a": "1"}), page_size=5, view=enums_pb2.TASK_VIEW_FULL
    )
    assert read_page_token(same, token, (int, int), "s") == [connector_id, sequence]


@pytest.mark.parametrize(
    "other",
    [
        ListTasksRequest(),
        ListTasksRequest(filter=REQUEST.filter, newest_first=True),
        ListTasksRequest(filter=TaskFilter(connectors=["erp"])),
        ListRunsRequest(connector="crm"),
        ListObjectsRequest(object_type="crm"),
    ],
)
def test_a_page_token_is_bound_to_its_call_and_filter(
    other: ListTasksRequest | ListRunsRequest | ListObjectsRequest,
) -> None:
    with pytest.raises(PageTokenInvalid):
        read_page_token(other, write_page_token(REQUEST, [1, 2], "s"), (int, int), "s")


def test_a_page_token_is_bound_to_its_store() -> None:
    with pytest.raises(PageTokenInvalid, match="not of this store"):
        read_page_token(REQUEST, write_page_token(REQUEST, [1, 2], "s"), (int, int), "t")


def test_a_forged_page_token_is_refused_and_never_reaches_the_database() -> None:
    real = json.loads(base64.urlsafe_b64decode(write_page_token(REQUEST, [1, 2], "s")))[0]
    runs = ListRunsRequest()
    fingerprint = json.loads(base64.urlsafe_b64decode(write_page_token(runs, ["x"], "s")))[0]
    bad = ["x", "é", "====", "[", base64.b64encode(b"[" * 100_000).decode(), forged(), forged(real)]
    bad += [
        forged(real, 1),
        forged(real, 1, 2, 3),
        forged(real, 1, "2"),
        forged(real, json.loads("true"), 2),
        forged(real, 2**63, 2),
    ]
    bad += [forged(real, 1, 2.0), base64.b64encode(b'{"a": 1}').decode(), base64.b64encode(b"1").decode()]
    for token in bad:
        with pytest.raises(PageTokenInvalid):
            read_page_token(REQUEST, token, (int, int), "s")
    with pytest.raises(PageTokenInvalid):
        read_page_token(runs, forged(fingerprint, "a\0"), (str,), "s")


def test_page_sizes_are_kept_within_bounds() -> None:
    assert [page_size(asked) for asked in (-1, 0, 1, 1_000, 1_001, 2**31 - 1)] == [100, 100, 1, 1_000, 1_000, 1_000]


def test_a_resume_token_belongs_to_a_store_and_its_connectors() -> None:
    token = write_resume_token({"crm": 3}, "s1")
    assert read_resume_token(token, {"crm"}, "s1") == {"crm": 3}
    assert write_resume_token({}, "s1") == ResumeToken()
    for connectors, store_id, path in (
        ({"crm"}, "s2", "resume_token.store_id"),
        ({"erp"}, "s1", "resume_token.positions[crm]"),
    ):
        with pytest.raises(ResumeTokenInvalid) as caught:
            read_resume_token(token, connectors, store_id)
        assert caught.value.problems[0].path == path


def test_unspecified_in_a_filter_means_what_its_enumeration_says() -> None:
    query = read_filter(
        TaskFilter(
            connectors=["crm"],
            states=[enums_pb2.TASK_STATE_PENDING],
            data_types=[enums_pb2.TASK_DATA_TYPE_UNSPECIFIED],
            process_types=[enums_pb2.PROCESS_TYPE_UNSPECIFIED],
        ),
        REGISTRY,
    )
    assert query == TaskQuery(
        connector_ids=(7,),
        states=(TaskState.PENDING,),
        data_types=(TaskDataType.SIMPLE_SNAPSHOT,),
        process_types=(ProcessType.DEFAULT,),
    )
    assert read_filter(TaskFilter(states=[ANY_STATE, enums_pb2.TASK_STATE_PENDING]), REGISTRY) == TaskQuery()
    assert (wants_payload(0), wants_payload(1), wants_payload(2)) == (False, False, True)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (TaskFilter(states=[ANY_STATE, NEWER_STATE]), "filter.states[1]"),
        (TaskFilter(task_types=[enums_pb2.TASK_TYPE_UNSPECIFIED]), "filter.task_types[0]"),
        (TaskFilter(data_types=[enums_pb2.TaskDataType.ValueType(99)]), "filter.data_types[0]"),
        (TaskFilter(data_types=[enums_pb2.TASK_DATA_TYPE_SIMPLE] * 1_001), "filter.data_types"),
        (TaskFilter(process_types=[enums_pb2.ProcessType.ValueType(99)]), "filter.process_types[0]"),
        (TaskFilter(task_ids=["a", "\0"]), "filter.task_ids[1]"),
        (TaskFilter(external_ids=["x"] * 1_001), "filter.external_ids"),
        (TaskFilter(object_type="\0"), "filter.object_type"),
        (TaskFilter(site="x" * 501), "filter.site"),
        (TaskFilter(creator="\n"), "filter.creator"),
        (TaskFilter(labels={"\0": ""}), "filter.labels"),
        (TaskFilter(labels={"a": "\0"}), "filter.labels[a]"),
        (TaskFilter(labels={str(i): "" for i in range(33)}), "filter.labels"),
    ],
)
def test_a_filter_that_no_database_should_see_is_refused(message: TaskFilter, path: str) -> None:
    with pytest.raises(InvalidField) as caught:
        read_filter(message, REGISTRY)
    assert caught.value.problems[0].path == path


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(InvalidField) as caught:
        wants_payload(99)
    assert caught.value.problems[0].path == "view"
