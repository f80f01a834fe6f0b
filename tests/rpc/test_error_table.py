"""The table of errors: complete, and the same on both sides."""

from collections.abc import Iterator
from typing import TypeVar

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from integrationbus.client import ErrorReason
from integrationbus.server.errors import BusError, FieldProblem, InvalidRequest, Overloaded, ResourceMissing
from integrationbus.server.problems import TaskProblem
from integrationbus.server.rpc.errors import code_of, to_status
from integrationbus.v1 import errors_pb2

PUBLISHED = {name.removeprefix("ERROR_REASON_") for name in errors_pb2.ErrorReason.keys()}  # noqa: SIM118 - no mapping


_Error = TypeVar("_Error", bound=Exception)


def leaves(cls: type[_Error]) -> Iterator[type[_Error]]:
    """The errors that are raised: those that nothing descends from."""
    below = cls.__subclasses__()
    if not below:
        yield cls
    for each in below:
        yield from leaves(each)


def make(cls: type[BusError]) -> BusError:
    if issubclass(cls, InvalidRequest):
        return cls(FieldProblem("a.b", "is wrong"))
    if issubclass(cls, ResourceMissing | Overloaded):
        return cls("x")
    return cls("a message")


@pytest.mark.parametrize("cls", list(leaves(BusError)), ids=lambda cls: cls.__name__)
def test_every_error_has_a_status_and_a_published_reason(cls: type[BusError]) -> None:
    error = make(cls)
    status = to_status(error)
    assert status.code == code_of(error).value[0]
    assert code_of(error) not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == (cls.reason, "integrationbus")
    assert info.reason in PUBLISHED


@pytest.mark.parametrize("cls", list(leaves(TaskProblem)), ids=lambda cls: cls.__name__)
def test_every_problem_of_a_task_has_a_published_reason(cls: type[TaskProblem]) -> None:
    assert cls.reason in PUBLISHED


def test_a_fault_of_the_server_keeps_its_text_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    status = to_status(ValueError("a secret"))
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert "a secret" not in status.message
    assert status.message.rpartition(" ")[2] in caplog.text, "the log has more under the same id"


def test_the_client_knows_every_reason() -> None:
    assert {str(reason) for reason in ErrorReason} == PUBLISHED - {"UNSPECIFIED"}
