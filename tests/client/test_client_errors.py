"""Every failure arrives as the error that says what to do about it."""

import pickle
from collections.abc import Callable
from datetime import timedelta

import grpc
import pytest
from support.either_client import EitherClient
from support.scripted_bus import HOLD, Refuse, ScriptedBus

from integrationbus import client as public
from integrationbus.client import (
    BusError,
    Cancelled,
    DeadlineExceeded,
    ErrorReason,
    Exhausted,
    FieldViolation,
    InvalidRequest,
    NotFound,
    ServerFault,
    Unavailable,
)
from integrationbus.client.model.errors import ERROR_CLASSES, error_class

STATUSES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


def failure_of(client: EitherClient) -> BusError:
    """How a call fails that gRPC does not repeat."""
    with pytest.raises(BusError) as caught:
        client.call(lambda bus: bus.resume_connector("crm"))
    return caught.value


@pytest.mark.parametrize(("code", "reason"), ERROR_CLASSES, ids=str)
def test_each_entry_of_the_table_is_raised(
    bus: ScriptedBus, client: EitherClient, code: grpc.StatusCode, reason: str
) -> None:
    bus.answers("ResumeConnector", Refuse(code=code, reason=reason))
    with pytest.raises(BusError) as caught:
        client.call(lambda each: each.resume_connector("crm"))
    assert type(caught.value) is ERROR_CLASSES[code, reason]
    assert (caught.value.code, caught.value.reason) == (code, reason)


def test_the_table_knows_every_status_and_every_class() -> None:
    assert [code for code in STATUSES if (code, "") not in ERROR_CLASSES] == []
    classes = {cls for cls in vars(public).values() if isinstance(cls, type) and issubclass(cls, BusError)}
    # What a server answers is never that a client cancelled a call.
    assert set(ERROR_CLASSES.values()) == classes - {BusError, Cancelled}


@pytest.mark.parametrize("code", STATUSES, ids=str)
def test_a_reason_of_a_newer_server_gets_the_class_of_its_status(code: grpc.StatusCode) -> None:
    assert error_class(code, "INVENTED_LATER") is ERROR_CLASSES[code, ""]


def test_an_error_carries_what_the_server_says(bus: ScriptedBus, client: EitherClient) -> None:
    refuse = Refuse(
        code=grpc.StatusCode.INVALID_ARGUMENT,
        reason="INVALID_FIELD",
        message="two fields do not fit",
        fields=(("reason", "is too long"), ("name", "is required")),
        retry_delay=timedelta(seconds=1.5),
    )
    bus.answers("ResumeConnector", refuse)
    error = failure_of(client)
    assert isinstance(error, InvalidRequest)
    assert error.reason == ErrorReason.INVALID_FIELD
    assert error.message == "two fields do not fit"
    assert error.field_violations == (FieldViolation("reason", "is too long"), FieldViolation("name", "is required"))
    assert error.retry_delay == timedelta(seconds=1.5)
    assert error.metadata == {"hint": "look"}
    assert str(error) == "two fields do not fit (INVALID_FIELD)\n  reason: is too long\n  name: is required"


def test_fields_that_the_message_names_are_not_said_twice() -> None:
    error = InvalidRequest("site: is required", field_violations=(FieldViolation("site", "is required"),))
    assert str(error) == "site: is required (UNKNOWN)"


def test_a_reason_of_somebody_else_is_not_taken_for_ours(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("ResumeConnector", Refuse(code=grpc.StatusCode.NOT_FOUND, reason="TASK_NOT_FOUND", domain="proxy"))
    error = failure_of(client)
    assert isinstance(error, NotFound)
    assert error.reason == ""
    assert error.message == f"{bus.address}: refused"


def test_a_server_that_cannot_be_reached_is_named(bus: ScriptedBus, client: EitherClient) -> None:
    bus.stop()
    error = failure_of(client)
    assert isinstance(error, Unavailable)
    assert error.message.startswith(f"{bus.address}: ")


def test_an_answer_that_does_not_come_ends_at_the_deadline(
    bus: ScriptedBus, connect: Callable[..., EitherClient]
) -> None:
    client = connect(timeout=0.05)
    bus.answers("ResumeConnector", HOLD)
    assert isinstance(failure_of(client), DeadlineExceeded)


def test_a_limit_of_grpc_itself_is_exhausted_without_a_delay(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("ResumeConnector", Refuse(code=grpc.StatusCode.RESOURCE_EXHAUSTED, domain=""))
    error = failure_of(client)
    assert isinstance(error, Exhausted)
    assert error.retry_delay is None


def test_errors_survive_pickling() -> None:
    error = ServerFault("broken", code=grpc.StatusCode.INTERNAL, reason="INTERNAL", retry_delay=timedelta(seconds=1))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made right here
    assert type(copy) is ServerFault
    assert vars(copy) == vars(error)
