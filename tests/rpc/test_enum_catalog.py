"""The catalog of enumerations says what the server does."""

from importlib.resources import files

import pytest
from google.protobuf import descriptor_pb2

from integrationbus.server.rpc.enum_catalog import enum_catalog
from integrationbus.server.task import PayloadForm, ProcessType, TaskDataType, TaskState, TaskType
from integrationbus.v1 import enums_pb2, errors_pb2
from integrationbus.v1.payload_pb2 import Payload


def test_the_committed_comments_belong_to_the_generated_code() -> None:
    committed = descriptor_pb2.FileDescriptorSet.FromString(
        files("integrationbus.v1").joinpath("enums.binpb").read_bytes()
    ).file
    for file, module in zip(committed, (enums_pb2, errors_pb2), strict=True):
        generated = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(generated)
        assert file.enum_type == generated.enum_type


def test_the_catalog_is_sorted_and_complete() -> None:
    catalog = enum_catalog()
    assert list(catalog) == sorted([*enums_pb2.DESCRIPTOR.enum_types_by_name, "ErrorReason"])
    for info in catalog.values():
        numbers = [value.number for value in info.values]
        assert numbers == sorted(numbers)
        assert 0 not in numbers
        assert all(value.description and "\n" not in value.description for value in info.values)


@pytest.mark.parametrize("cls", [TaskType, TaskDataType, ProcessType, TaskState])
def test_the_enumerations_of_the_domain_are_those_of_the_contract(cls: type[TaskType]) -> None:
    published = {(value.short_name, value.number) for value in enum_catalog()[cls.__name__].values}
    assert {(member.name, int(member)) for member in cls} == published


def test_defaults_are_those_that_the_comments_name() -> None:
    defaults = {
        name: [value.short_name for value in info.values if value.is_default] for name, info in enum_catalog().items()
    }
    assert {name: found for name, found in defaults.items() if found} == {
        "HeadAction": ["RETRY"],
        "ProcessType": ["DEFAULT"],
        "TaskDataType": ["SIMPLE_SNAPSHOT"],
        "TaskView": ["BASIC"],
    }


def test_task_types_are_for_objects_or_for_pages() -> None:
    for value in enum_catalog()["TaskType"].values:
        is_for_pages = TaskType(value.number).is_for_pages
        assert (value.applies_to_objects, value.applies_to_pages) == (not is_for_pages, is_for_pages)
    for value in enum_catalog()["ProcessType"].values:
        assert value.applies_to_objects
        assert value.applies_to_pages


def test_the_forms_of_a_payload_are_numbered_as_in_the_contract() -> None:
    assert {form.name.lower(): int(form) for form in PayloadForm} == {
        field.name: field.number for field in Payload.DESCRIPTOR.fields
    }
