"""The client's enumerations are those of the API."""

import pickle
from enum import IntEnum

import pytest
from google.protobuf.descriptor import EnumDescriptor

from integrationbus import client
from integrationbus.client import ErrorReason, TaskState
from integrationbus.v1 import enums_pb2, errors_pb2

OPEN = [cls for cls in vars(client).values() if isinstance(cls, type) and issubclass(cls, IntEnum)]


def values_of(enum: EnumDescriptor, prefix: str) -> dict[str, int]:
    """The values by short name, without UNSPECIFIED."""
    return {value.name.removeprefix(prefix): value.number for value in enum.values if value.number}


@pytest.mark.parametrize("cls", OPEN, ids=lambda cls: cls.__name__)
def test_names_and_numbers_are_those_of_the_api(cls: type[IntEnum]) -> None:
    enum = enums_pb2.DESCRIPTOR.enum_types_by_name[cls.__name__]
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    assert {member.name: int(member) for member in cls} == values_of(enum, prefix)


def test_every_enumeration_of_the_api_is_there() -> None:
    # How much of a task to return is said with with_payload.
    assert {cls.__name__ for cls in OPEN} == set(enums_pb2.DESCRIPTOR.enum_types_by_name) - {"TaskView"}


def test_every_reason_is_there() -> None:
    enum = errors_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]
    assert list(ErrorReason) == list(values_of(enum, "ERROR_REASON_"))


def test_an_unknown_number_is_a_value_like_the_others() -> None:
    state = TaskState(99)
    assert state == 99
    assert state.name == "UNKNOWN_99"
    assert TaskState(0).name == "UNSPECIFIED"
    assert pickle.loads(pickle.dumps(state)) == state  # noqa: S301 - made right here
    assert TaskState.SUCCEEDED.is_final
    assert not state.is_final
    assert not state.is_in_line
    with pytest.raises(ValueError, match="FAILED"):
        TaskState("FAILED")  # type: ignore[arg-type] # what is tested
