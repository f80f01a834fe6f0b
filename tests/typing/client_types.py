"""What type checkers see of the client's values. Never run: ``test_public_types`` lets mypy read it.

A line with ``type: ignore`` must be an error, or mypy says that it is not needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_type
from uuid import UUID

from grpc import StatusCode

from integrationbus.client import (
    BusError,
    BusObject,
    Client,
    Connector,
    Encoded,
    ErrorReason,
    FieldValue,
    FieldViolation,
    Json,
    NewTask,
    ObjectChange,
    ObjectKey,
    OutcomeUnknown,
    PreparedObject,
    ProcessType,
    Reference,
    ResumeToken,
    Run,
    RunTicket,
    Task,
    TaskChange,
    TaskDataType,
    TaskError,
    TaskFilter,
    TaskState,
    TaskType,
    Unavailable,
)
from integrationbus.examples.iso3166.v1.country_pb2 import Country


@dataclass
class City:
    """A caller's own dataclass."""

    name: str


def a_task_carries_any_kind_of_payload(guid: UUID) -> None:
    NewTask("crm", TaskType.DELETE_OBJECT)  # type: ignore[call-arg] # a deletion needs a payload as well
    NewTask("crm", TaskType.CREATE_OBJECT, {"name": "Jane", "manager": Reference(7), "salary": Decimal("1.10")})
    NewTask("crm", TaskType.CREATE_OBJECT, City("Graz"))
    NewTask("crm", TaskType.CREATE_OBJECT, Country(alpha_2="AT"))
    NewTask("crm", TaskType.CREATE_OBJECT, Json({"name": "Jane"}))
    NewTask("crm", TaskType.CREATE_OBJECT, Encoded("text/csv", b"1,2"))
    NewTask("crm", TaskType.CREATE_OBJECT, PreparedObject("cms.user", {"guid": guid}))
    NewTask("crm", TaskType.CREATE_OBJECT, 5)  # type: ignore[arg-type] # no payload
    NewTask("crm", "CREATE_OBJECT", {})  # type: ignore[arg-type] # an enumeration, no text
    NewTask("crm", TaskType.CREATE_OBJECT, {}, TaskDataType.SIMPLE)  # type: ignore[call-arg] # by name only


def external_ids_are_texts_or_integers() -> None:
    NewTask("crm", TaskType.DELETE_OBJECT, {}, external_id=2**70)
    NewTask("crm", TaskType.DELETE_OBJECT, {}, external_id="x")
    NewTask("crm", TaskType.DELETE_OBJECT, {}, external_id=1.5)  # type: ignore[arg-type] # neither


def values_are_frozen(task: NewTask) -> None:
    task.process_type = ProcessType.SKIP_ONCE  # type: ignore[misc] # frozen


def a_filter_takes_one_value_or_several() -> None:
    both: TaskFilter = {"connectors": "crm", "states": [TaskState.FAILED, TaskState.SKIPPED], "site": "a"}
    assert_type(both["site"], str)
    wrong: TaskFilter = {"states": "FAILED"}  # type: ignore[typeddict-item] # an enumeration, no text
    del wrong


def what_comes_back_is_typed(task: Task, change: TaskChange, run: Run, ticket: RunTicket) -> None:
    assert_type(task.state, TaskState)
    assert_type(task.state.is_final, bool)
    assert_type(task.last_error, TaskError | None)
    assert_type(task.finished_at, datetime | None)
    assert_type(change.previous_state, TaskState | None)
    assert_type(change.labels, Mapping[str, str])
    assert_type(run.counts.succeeded, int)
    assert_type(ticket.run, Run | None)


def an_object_has_typed_values(found: BusObject) -> None:
    assert_type(found.id, int)
    assert_type(found.guid, UUID | None)
    assert_type(found.fields["name"], FieldValue)


def a_key_has_two_sides() -> None:
    assert_type(ObjectKey("cms.user", external_id=7).object_id, int | None)
    ObjectKey("cms.user", 7)  # type: ignore[call-arg] # which side has to be said


def watches_of_objects_and_connectors_are_typed(client: Client) -> None:
    with client.watch_objects("cms.user") as changes:
        assert_type(next(changes), ObjectChange)
        assert_type(changes.resume_token, ResumeToken | None)
    assert_type(next(client.watch_connectors("crm")), list[Connector])


def a_token_survives_as_text(token: ResumeToken) -> None:
    assert_type(token.to_text(), str)
    assert_type(ResumeToken.from_text("x"), ResumeToken)
    assert_type(token.merge(token), ResumeToken)


def errors_carry_data(error: OutcomeUnknown) -> None:
    assert_type(error.code, StatusCode)
    assert_type(error.retry_delay, timedelta | None)
    assert_type(error.field_violations, tuple[FieldViolation, ...])
    if error.reason == ErrorReason.OUTCOME_UNKNOWN:
        error.add_note("the reasons of the server are texts")
    unavailable: Unavailable = error
    base: BusError = unavailable
    del base
