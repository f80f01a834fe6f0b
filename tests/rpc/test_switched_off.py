"""Tasks while logging, or their connector, is switched off: refused as a whole by every way in, and lost nowhere."""

from pathlib import Path

import grpc
import pytest
from support.bench import Workbench
from support.clocks import ManualClock
from support.raw_stream import RawStream
from support.served import Refusal, Served, refusal_of
from support.specs import person

from integrationbus.client import NewTask, TaskType
from integrationbus.server.door import Door
from integrationbus.server.errors import BusError, ConnectorDisabled, LoggingOff
from integrationbus.server.switches import Switch
from integrationbus.v1 import enums_pb2
from integrationbus.v1.connector_service_pb2 import DisableConnectorRequest, EnableConnectorRequest
from integrationbus.v1.server_service_pb2 import SetSwitchRequest
from integrationbus.v1.task_service_pb2 import ListTasksRequest, LogTasksRequest

HOLDS = pytest.mark.parametrize("reason", ["LOGGING_OFF", "CONNECTOR_DISABLED"])


async def turn(served: Served, reason: str, *, on: bool) -> None:
    """Turn what refuses tasks with a reason off, or on again."""
    if reason == "LOGGING_OFF":
        await served.server.SetSwitch(SetSwitchRequest(switch=enums_pb2.SWITCH_LOGGING, on=on))
    elif on:
        await served.connectors.EnableConnector(EnableConnectorRequest(name="notified"))
    else:
        await served.connectors.DisableConnector(DisableConnectorRequest(name="notified"))


async def names(served: Served) -> list[str]:
    """What is stored, by external id."""
    return [task.external_id for task in (await served.tasks.ListTasks(ListTasksRequest())).tasks]


@HOLDS
async def test_a_batch_is_refused_as_a_whole_and_may_be_repeated(served: Served, reason: str) -> None:
    await turn(served, reason, on=False)
    request = LogTasksRequest(tasks=[person("Ada", "people"), person("Bob", "notified")], request_id="r")
    refusal = await refusal_of(served.tasks.LogTasks(request))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", reason)
    assert await names(served) == [], "nothing of it is stored, nor the part for a connector that is on"
    await turn(served, reason, on=True)
    answer = await served.tasks.LogTasks(request)
    assert [result.task.duplicate for result in answer.results] == [False, False]
    assert sorted(await names(served)) == ["Ada", "Bob"]


@HOLDS
async def test_a_stream_ends_with_nothing_settled_and_goes_on_later(served: Served, reason: str) -> None:
    first = RawStream(served)
    assert (await first.open()).settled_number == 0
    await first.send(1, [person("p1", "notified"), person("p2", "notified")])
    await first.settled(2)
    await turn(served, reason, on=False)
    await first.send(3, [person("p3", "notified"), person("p4", "notified")])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await first.settled(3)
    assert (Refusal(caught.value).code, Refusal(caught.value).reason) == ("FAILED_PRECONDITION", reason)
    assert first.rejected == [], "a rejection would be for good"
    await turn(served, reason, on=True)
    second = RawStream(served)
    assert (await second.open()).settled_number == 2
    await second.send(3, [person("p3", "notified"), person("p4", "notified")])
    await second.settled(4)
    assert await names(served) == ["p1", "p2", "p3", "p4"]


@pytest.mark.parametrize("error", [LoggingOff, ConnectorDisabled])
def test_the_door_refuses_what_is_switched_off_and_stores_nothing(
    tmp_path: Path, clock: ManualClock, error: type[BusError]
) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    people = ["support.people:PeopleConnector", "support.people:NotifiedConnector"]

    def turn(*, on: bool) -> int:
        """Do as an operator of the server does, and count what is stored."""
        with Workbench(url, clock, people) as bus:
            if error is LoggingOff:
                bus.dispatcher.set_switch(Switch.LOGGING, on=on, actor="", reason="")
            else:
                bus.dispatcher.set_enabled("notified", enabled=on, actor="", reason="")
            return len(bus.all_tasks())

    def log() -> None:
        with Door(url, application="import", connectors=people, use_entry_points=False) as door:
            tasks = [NewTask(name, TaskType.CREATE_OBJECT, {"name": name}) for name in ("people", "notified")]
            door.log_tasks(tasks)

    turn(on=False)
    with pytest.raises(error):
        log()
    assert turn(on=True) == 0
    log()
    assert turn(on=True) == 2
