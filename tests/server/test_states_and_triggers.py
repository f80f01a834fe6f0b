"""What connectors are said to be doing, what holds them first of all, and what runs are said to be started by."""

import threading
from pathlib import Path

import pytest
from support.served import Served, serve

from integrationbus.client import (
    AsyncClient,
    Connector,
    ConnectorState,
    HeadAction,
    MissingKeyAction,
    RunTrigger,
    Switch,
    TaskState,
    TaskType,
    TriggerMode,
)
from integrationbus.connectors import IntegrationConnector

CREATE = TaskType.CREATE_OBJECT
LOST = "support.nowhere:LostConnector"
CLASSES = (
    "support.people:PeopleConnector",
    "support.people:NotifiedConnector",
    "support.people:EverySecondConnector",
    LOST,
)


class Gate:
    """Holds a connector in the middle of a task that fails in the end."""

    def __init__(self, connector: IntegrationConnector, patch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        patch.setattr(connector, "prepare_internal_object", self._fail)

    def _fail(self, *_: object) -> object:
        self.begun.set()
        assert self.go_on.wait(10)
        raise ValueError("no such luck")


def connector_of(served: Served, name: str) -> IntegrationConnector:
    connector = served.app.registry.get(name).connector
    assert connector is not None
    return connector


async def state_of(client: AsyncClient, name: str) -> tuple[ConnectorState, str]:
    connector = await client.get_connector(name)
    return connector.state, connector.problem


async def wait_for(client: AsyncClient, name: str, state: ConnectorState) -> Connector:
    """The connector, once it is in a state."""
    async for [connector] in client.watch_connectors(name, interval=0.1):
        if connector.state is state:
            return connector
    raise AssertionError("a watch never ends")


async def test_a_connector_that_several_things_hold_shows_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serve(f"sqlite:///{tmp_path / 'bus.db'}", CLASSES) as served,
        AsyncClient(served.address, application="ops") as client,
    ):
        modes = {connector.name: connector.trigger_mode for connector in await client.list_connectors()}
        assert (modes["people"], modes["notified"], modes["seconds"]) == (
            TriggerMode.ON_LOG,
            TriggerMode.ON_NOTIFY,
            TriggerMode.ON_SCHEDULE,
        )
        assert await state_of(client, "people") == (ConnectorState.IDLE, "")
        with monkeypatch.context() as patched:
            gate = Gate(connector_of(served, "people"), patched)
            bad = await client.log_task("people", CREATE, {"name": "Ada"})
            await wait_for(client, "people", ConnectorState.RUNNING)
            assert gate.begun.wait(10)
            await client.pause_connector("people", "audit")
            assert await state_of(client, "people") == (ConnectorState.PAUSED, "audit"), "its run is not over yet"
            gate.go_on.set()
            await wait_for(client, "people", ConnectorState.HALTED)
        halted = (ConnectorState.HALTED, f"task {bad.id} failed; resume the connector to go on")
        assert await state_of(client, "people") == halted, "it is paused as well"
        await client.set_switch(Switch.LOGGING, on=False)
        assert await state_of(client, "people") == halted, "it may process"
        for switch in (Switch.PROCESSING, Switch.BUS):
            await client.set_switch(switch, on=False)
            off = (ConnectorState.DISABLED, "the bus, or its processing, is switched off")
            assert await state_of(client, "people") == off
            await client.disable_connector("people", "stocktaking")
            assert await state_of(client, "people") == (ConnectorState.DISABLED, "stocktaking")
            await client.enable_connector("people")
            assert await state_of(client, "people") == off
            await client.set_switch(switch, on=True)
            assert await state_of(client, "people") == halted
        await client.resume_connector("people", HeadAction.SKIP)
        await wait_for(client, "people", ConnectorState.IDLE)
        for hold in (client.pause_connector, client.disable_connector):
            assert (await hold(LOST, "for good")).state is ConnectorState.UNHEALTHY


async def test_what_started_a_run_is_on_record(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    wait = MissingKeyAction.WAIT
    async with serve(url, CLASSES) as served, AsyncClient(served.address, application="ops") as client:

        async def done(task_id: str) -> None:
            async with client.watch(snapshot=True, task_ids=task_id, states=TaskState.SUCCEEDED) as changes:
                await anext(changes)

        async def newest(connector: str) -> tuple[RunTrigger, str, str]:
            found = await anext(client.list_runs(connector))
            return found.trigger, found.requested_by, found.reason

        await done((await client.log_task("people", CREATE, {"name": "a"})).id)
        assert await newest("people") == (RunTrigger.LOG, "", "")

        first = await client.log_task("notified", CREATE, {"name": "b"})
        await client.request_tasks_processing("notified", reason="it is time")
        await done(first.id)
        assert await newest("notified") == (RunTrigger.NOTIFY, "ops", "it is time")

        asked = await client.log_task("notified", CREATE, {"name": "c"})
        await client.retry_tasks(task_ids=asked.id, reason="urgent")
        await done(asked.id)
        assert await newest("notified") == (RunTrigger.CALL, "ops", "urgent")

        waiting = await client.log_task("notified", CREATE, {"name": "d", "boss_id": 9}, missing_key=wait)
        boss = await client.log_task("notified", CREATE, {"name": "e"}, external_id=9)
        await client.retry_tasks(task_ids=waiting.id)
        await client.retry_tasks(task_ids=boss.id)
        await done(waiting.id)
        assert (await newest("notified"))[0] is RunTrigger.CALL

        resumed = await client.log_task("notified", CREATE, {"name": "f"})
        await client.resume_connector("notified", reason="go")
        await done(resumed.id)
        assert await newest("notified") == (RunTrigger.RESUME, "ops", "go")

        await client.pause_connector("people")
        paused = await client.log_task("people", CREATE, {"name": "g"})
        await client.set_switch(Switch.PROCESSING, on=False)
        await client.resume_connector("people")
        await client.set_switch(Switch.PROCESSING, on=True, reason="moved")
        await done(paused.id)
        assert await newest("people") == (RunTrigger.RESUME, "ops", "moved")

        scheduled = await client.log_task("seconds", CREATE, {"name": "h"})
        await done(scheduled.id)
        assert await newest("seconds") == (RunTrigger.SCHEDULE, "", "")
