"""What holds for every call."""

from collections.abc import Callable
from datetime import timedelta

import grpc
import pytest
from support.either_client import EitherClient
from support.scripted_bus import Refuse, ScriptedBus

from integrationbus.client import Cancelled, Client, Unavailable
from integrationbus.v1 import task_pb2, task_service_pb2

AWAY = Refuse(code=grpc.StatusCode.UNAVAILABLE, retry_delay=timedelta(milliseconds=1))


def test_every_call_says_who_calls_and_has_a_deadline(bus: ScriptedBus, connect: Callable[..., EitherClient]) -> None:
    client = connect(timeout=5)
    bus.answers("GetTask", task_service_pb2.GetTaskResponse())
    client.call(lambda each: each.get_task("t1"))
    (call,) = bus.received("GetTask")
    assert call.metadata["integrationbus-application"] == "crm"
    assert 0 < call.seconds_left < 6  # counted in whole milliseconds, on two clocks


def test_a_safe_call_is_repeated_when_the_server_is_away_for_a_moment(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("GetTask", AWAY, task_service_pb2.GetTaskResponse(task=task_pb2.Task(id="t1")))
    assert client.call(lambda each: each.get_task("t1")).id == "t1"


def test_a_call_that_acts_twice_when_made_twice_is_not_repeated(bus: ScriptedBus, client: EitherClient) -> None:
    bus.answers("ResumeConnector", AWAY)
    with pytest.raises(Unavailable):
        client.call(lambda each: each.resume_connector("crm"))
    assert len(bus.requests("ResumeConnector")) == 1


def test_a_closed_client_makes_no_calls(client: EitherClient, bus: ScriptedBus) -> None:
    client.call(lambda each: each.close())
    with pytest.raises(Cancelled, match="the client is closed"):
        client.call(lambda each: each.server_info())
    assert bus.requests("GetServerInfo") == []


@pytest.mark.parametrize("name", ["", "a\n", "é", "x" * 101])
def test_an_application_needs_a_name_that_can_travel(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 printable ASCII characters"):
        Client("127.0.0.1:1", application=name)
