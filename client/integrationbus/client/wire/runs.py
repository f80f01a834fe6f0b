"""NotifyService: requests and responses."""

from collections.abc import Sequence

from integrationbus.client.model.enums import NotifyOutcome, RunState, RunTrigger
from integrationbus.client.model.runs import Run, RunCounts, RunTicket
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.tasks import optional_time, read_token
from integrationbus.client.wire.values import read_time
from integrationbus.v1 import notify_service_pb2, run_pb2

__all__ = ["get_run", "list_runs", "read_run", "request_tasks_processing", "watch_run"]

_SERVICE = "/integrationbus.v1.NotifyService/"


def request_tasks_processing(
    connectors: Sequence[str], *, clear_halt: bool, reason: str
) -> Call[notify_service_pb2.RequestTasksProcessingResponse, list[RunTicket]]:
    """RequestTasksProcessing."""
    request = notify_service_pb2.RequestTasksProcessingRequest(
        connectors=connectors, clear_halt=clear_halt, reason=reason
    )

    def read(response: notify_service_pb2.RequestTasksProcessingResponse) -> list[RunTicket]:
        return [_read_ticket(ticket) for ticket in response.tickets]

    return Call(f"{_SERVICE}RequestTasksProcessing", request, notify_service_pb2.RequestTasksProcessingResponse, read)


def watch_run(run_id: str) -> Call[notify_service_pb2.WatchRunResponse, Run]:
    """WatchRun; each message of its stream is read."""
    request = notify_service_pb2.WatchRunRequest(run_id=run_id)

    def read(response: notify_service_pb2.WatchRunResponse) -> Run:
        return read_run(response.run)

    return Call(f"{_SERVICE}WatchRun", request, notify_service_pb2.WatchRunResponse, read)


def get_run(run_id: str) -> Call[notify_service_pb2.GetRunResponse, Run]:
    """GetRun."""
    request = notify_service_pb2.GetRunRequest(run_id=run_id)

    def read(response: notify_service_pb2.GetRunResponse) -> Run:
        return read_run(response.run)

    return Call(f"{_SERVICE}GetRun", request, notify_service_pb2.GetRunResponse, read)


def list_runs(
    connector: str, page_token: str, *, page_size: int
) -> Call[notify_service_pb2.ListRunsResponse, Page[Run]]:
    """ListRuns."""
    request = notify_service_pb2.ListRunsRequest(connector=connector, page_size=page_size, page_token=page_token)

    def read(response: notify_service_pb2.ListRunsResponse) -> Page[Run]:
        return Page([read_run(run) for run in response.runs], response.next_page_token)

    return Call(f"{_SERVICE}ListRuns", request, notify_service_pb2.ListRunsResponse, read)


def read_run(message: run_pb2.Run) -> Run:
    """Read a run."""
    counts = message.counts
    return Run(
        id=message.id,
        connector=message.connector,
        trigger=RunTrigger(message.trigger),
        state=RunState(message.state),
        requested_by=message.requested_by,
        reason=message.reason,
        counts=RunCounts(
            succeeded=counts.succeeded,
            failed=counts.failed,
            skipped=counts.skipped,
            deleted=counts.deleted,
            retried=counts.retried,
            waiting=counts.waiting,
        ),
        remaining=message.remaining,
        halted_by=message.halted_by,
        started_at=read_time(message.started_at),
        ended_at=optional_time(message, "ended_at"),
        cancelled_by=message.cancelled_by,
        cancel_reason=message.cancel_reason,
    )


def _read_ticket(message: notify_service_pb2.RunTicket) -> RunTicket:
    return RunTicket(
        connector=message.connector,
        outcome=NotifyOutcome(message.outcome),
        run=read_run(message.run) if message.HasField("run") else None,
        resume_token=read_token(message.resume_token),
        message=message.message,
    )
