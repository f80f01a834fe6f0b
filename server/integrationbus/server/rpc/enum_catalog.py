"""The enumerations of the API, read from the descriptors that the server runs on."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from google.protobuf import descriptor_pb2

from integrationbus.connectors.task_types import TaskType
from integrationbus.v1 import enum_service_pb2

__all__ = ["enum_catalog"]

_PACKAGE = "integrationbus.v1"
_ENUM, _VALUE = 5, 2  # field numbers of FileDescriptorProto.enum_type and EnumDescriptorProto.value
_TAKEN_AS = re.compile(r"Taken as (\w+)\.")
_FOR_OBJECTS_ONLY = {"TASK_TYPE": [value for value in TaskType if not value.is_for_pages]}
_FOR_PAGES_ONLY = {"TASK_TYPE": [value for value in TaskType if value.is_for_pages]}


@cache
def enum_catalog() -> Mapping[str, enum_service_pb2.EnumInfo]:
    """Every enumeration by name. The descriptions are the comments of the proto."""
    data = files(_PACKAGE).joinpath("enums.binpb").read_bytes()
    found = [info for file in descriptor_pb2.FileDescriptorSet.FromString(data).file for info in _enums_of(file)]
    return {info.name: info for info in sorted(found, key=lambda info: info.name)}


def _enums_of(file: descriptor_pb2.FileDescriptorProto) -> Iterator[enum_service_pb2.EnumInfo]:
    comments = {tuple(item.path): item.leading_comments.strip() for item in file.source_code_info.location}
    for index, enum in enumerate(file.enum_type):
        yield enum_service_pb2.EnumInfo(
            name=enum.name, description=_flat(comments[_ENUM, index]), values=_values(enum, index, comments)
        )


def _values(
    enum: descriptor_pb2.EnumDescriptorProto, index: int, comments: Mapping[tuple[int, ...], str]
) -> Iterator[enum_service_pb2.EnumValueInfo]:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    default = _TAKEN_AS.search(comments[_ENUM, index, _VALUE, 0])
    for place, value in enumerate(enum.value):
        if value.number == 0:
            continue
        short_name = value.name.removeprefix(prefix)
        yield enum_service_pb2.EnumValueInfo(
            number=value.number,
            name=value.name,
            short_name=short_name,
            description=_flat(comments[_ENUM, index, _VALUE, place]),
            applies_to_objects=value.number not in _FOR_PAGES_ONLY.get(prefix.rstrip("_"), ()),
            applies_to_pages=value.number not in _FOR_OBJECTS_ONLY.get(prefix.rstrip("_"), ()),
            is_default=default is not None and default[1] == short_name,
        )


def _flat(comment: str) -> str:
    """A comment without its line breaks."""
    return " ".join(comment.split())
