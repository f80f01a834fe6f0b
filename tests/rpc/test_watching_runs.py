"""How a run gets on, for those who watch it."""

import pytest
from support.served import Served
from support.specs import person

from integrationbus.server import run_watch
from integrationbus.v1 import enums_pb2
from integrationbus.v1.notify_service_pb2 import RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.task_service_pb2 import LogTasksRequest


async def test_there_is_a_pause_between_two_looks_and_the_end_is_told_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_watch, "_PAUSE_SECONDS", 3600.0)
    # Batches grow from one task on: this many need half a dozen commits, each of which changes the run.
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{number}", "notified") for number in range(60)]))
    request = RequestTasksProcessingRequest(connectors=["notified"])
    [ticket] = (await served.notify.RequestTasksProcessing(request)).tickets
    told = [message.run async for message in served.notify.WatchRun(WatchRunRequest(run_id=ticket.run.id))]
    assert (told[-1].state, told[-1].counts.succeeded) == (enums_pb2.RUN_STATE_COMPLETED, 60)
    assert len(told) <= 2
