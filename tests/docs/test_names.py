"""The documentation explains every value, call and command that there is, and names none that there is not."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

import pytest
import typer
from google.protobuf.descriptor import EnumDescriptor, ServiceDescriptor
from grpc import StatusCode
from support.guide import DOCS, first_cells, page_blocks, prose, rows_of, steps

from integrationbus import client, connectors
from integrationbus.connectors import cms
from integrationbus.server import door, errors, testing
from integrationbus.server.cli.commands import app
from integrationbus.server.settings import Settings
from integrationbus.server.storage import file_lock
from integrationbus.server.task import TRANSITIONS, TaskState
from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    enums_pb2,
    errors_pb2,
    notify_service_pb2,
    object_service_pb2,
    payload_pb2,
    run_pb2,
    server_service_pb2,
    task_pb2,
    task_service_pb2,
)

PAGES = sorted(DOCS.glob("*.md"))
PROTOS = (
    connector_service_pb2,
    enum_service_pb2,
    enums_pb2,
    errors_pb2,
    notify_service_pb2,
    object_service_pb2,
    payload_pb2,
    run_pb2,
    server_service_pb2,
    task_pb2,
    task_service_pb2,
)
ENUMS: dict[str, EnumDescriptor] = dict(enums_pb2.DESCRIPTOR.enum_types_by_name)
SERVICES: list[ServiceDescriptor] = [
    service for proto in PROTOS for service in proto.DESCRIPTOR.services_by_name.values()
]
RPCS = {method.name for service in SERVICES for method in service.methods}
ANYTHING_ELSE = {"NOT_SERVING", "ErrorInfo", "BadRequest", "ResourceInfo", "RetryInfo", "Numeric"}
"""Names of others: of the health service, of google.rpc, of SQLAlchemy."""


def short_names(enum: EnumDescriptor) -> set[str]:
    """The values of an enumeration without their prefix, and without the one that stands for nothing."""
    prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper()
    return {value.name.removeprefix(f"{prefix}_") for value in enum.values if value.number}


@cache
def commands() -> dict[str, set[str]]:
    """Every command by its words, with its options."""
    return dict(_commands_below(typer.main.get_command(app), ""))


def _commands_below(command: object, words: str) -> Iterator[tuple[str, set[str]]]:
    group = getattr(command, "commands", {})
    if words and (not group or getattr(command, "invoke_without_command", False)):
        yield words, set(chain.from_iterable(item.opts for item in getattr(command, "params", ())))
    for name, below in group.items():
        yield from _commands_below(below, f"{words} {name}".strip())


def written_commands() -> Iterator[str]:
    """The command lines of the documentation, in its text and in its console blocks, without the program."""
    for page in PAGES:
        yield from re.findall(r"`integrationbus ([a-z][^`]*)`", prose(page))
        for block in page_blocks(page):
            if block.language == "console" and not block.note.startswith("not run"):
                written = (step.command for step in steps(block))
                yield from (text.removeprefix("integrationbus ") for text in written if text != "echo $?")


def command_of(line: str) -> str:
    """The longest command that a line begins with."""
    fitting = [words for words in commands() if f"{line} ".startswith(f"{words} ")]
    return max(fitting, key=len, default="")


def words_in_code(pattern: str) -> set[str]:
    """The words in code marks, outside of blocks, that match a pattern as a whole."""
    code = chain.from_iterable(re.findall(r"`([^`\n]+)`", prose(page)) for page in PAGES)
    return {word for word in code if re.fullmatch(pattern, word)}


@pytest.mark.parametrize("name", sorted(ENUMS))
def test_every_value_is_explained_in_a_table_of_its_enumeration(name: str) -> None:
    assert set(first_cells(f"`{name}`")) == short_names(ENUMS[name])


def test_the_states_lead_where_the_table_says() -> None:
    said = {row[0]: set(re.findall(r"`([A-Z_]+)`", row[-1])) for row in rows_of("`TaskState`")}
    assert said == {f"`{state.name}`": {each.name for each in TRANSITIONS[state]} for state in TaskState}


def test_every_rpc_is_in_the_table_of_calls_and_no_other() -> None:
    assert sorted(first_cells("RPC")) == sorted(RPCS)


def test_the_methods_of_the_table_of_calls_are_those_of_the_clients() -> None:
    methods = {name for row in rows_of("RPC") for name in re.findall(r"`(\w+)`", row[1])}
    own = {name for name in dir(client.Client) if not name.startswith("_")}
    assert methods == own - {"close", "count_objects"}
    assert [name for name in methods if not hasattr(client.AsyncClient, name)] == []


def test_every_command_is_mentioned_and_no_other() -> None:
    mentioned = {line: command_of(line) for line in written_commands()}
    assert [line for line, command in mentioned.items() if not command] == []
    assert set(mentioned.values()) == set(commands())


def test_commands_are_written_with_options_that_they_have() -> None:
    wrong = [
        (line, option)
        for line in written_commands()
        for option in re.findall(r"(?<= )--[a-z-]+", line)
        if option not in commands()[command_of(line)] | {"--help"}
    ]
    assert wrong == []


def test_every_setting_is_in_the_table_and_no_other() -> None:
    settings = {f"INTEGRATIONBUS_{name.upper()}" for name in Settings.model_fields}
    assert set(first_cells("variable")) == settings
    assert words_in_code(r"INTEGRATIONBUS_[A-Z_]+") == settings | {"INTEGRATIONBUS_SERVER"}


def test_every_error_of_the_client_is_in_the_table_and_no_other() -> None:
    public = (getattr(client, name) for name in client.__all__)
    classes = {cls.__name__ for cls in public if isinstance(cls, type) and issubclass(cls, client.BusError)}
    assert set(first_cells("error")) == classes - {"BusError"}


def test_no_value_is_named_that_there_is_not() -> None:
    values = set().union(*map(short_names, [*ENUMS.values(), errors_pb2.DESCRIPTOR.enum_types_by_name["ErrorReason"]]))
    known = values | {code.name for code in StatusCode} | ANYTHING_ELSE
    written = {word for word in words_in_code(r"[A-Z]+(_[A-Z]+)*") if not word.startswith("INTEGRATIONBUS_")}
    assert {"DEFAULT", "KEY_NOT_FOUND"} <= written
    assert written - known - {"ID", "NAME", "TYPE", "FILE"} == set()


def test_no_class_or_call_is_named_that_there_is_not() -> None:
    messages = {name for proto in PROTOS for name in proto.DESCRIPTOR.message_types_by_name}
    services = {service.name for service in SERVICES}
    modules = (client, connectors, cms, errors, testing, door, file_lock)
    public = set(chain.from_iterable(module.__all__ for module in modules))
    known = messages | services | RPCS | set(ENUMS) | {"ErrorReason"} | public | ANYTHING_ELSE
    written = words_in_code(r"([A-Z][a-z]+){2,}")
    assert {"RetryPolicy", "LogTask"} <= written
    assert written - known == set()
