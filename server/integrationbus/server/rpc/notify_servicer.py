"""NotifyService."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text
from integrationbus.server.rpc.context import Context, creator_of
from integrationbus.server.rpc.page_tokens import page_size, read_page_token, write_page_token
from integrationbus.server.rpc.queries import write_resume_token
from integrationbus.server.rpc.render import render_run
from integrationbus.server.rpc.services import Services
from integrationbus.server.run import Run, RunTicket
from integrationbus.v1 import enums_pb2, notify_service_pb2, notify_service_pb2_grpc, run_pb2
from integrationbus.v1.notify_service_pb2 import (
    CancelRunRequest,
    CancelRunResponse,
    GetRunRequest,
    GetRunResponse,
    ListRunsRequest,
    ListRunsResponse,
    RequestTasksProcessingRequest,
    RequestTasksProcessingResponse,
    WatchRunRequest,
    WatchRunResponse,
)

__all__ = ["NotifyServicer"]


class NotifyServicer(notify_service_pb2_grpc.NotifyServiceServicer):
    """Starts runs, and shows them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def RequestTasksProcessing(
        self, request: RequestTasksProcessingRequest, context: Context
    ) -> RequestTasksProcessingResponse:
        """See the proto."""
        actor = creator_of(context)
        reason = check_text("reason", request.reason, 255)
        names = [
            check_text(f"connectors[{index}]", name, MAX_NAME_BYTES) for index, name in enumerate(request.connectors)
        ]
        return await self._services.reads(
            lambda: self._request(names, clear_halt=request.clear_halt, actor=actor, reason=reason)
        )

    async def WatchRun(self, request: WatchRunRequest, context: Context) -> AsyncIterator[WatchRunResponse]:
        """See the proto."""
        run_id = check_text("run_id", request.run_id, MAX_NAME_BYTES)
        async with aclosing(self._services.runs.watch(run_id)) as states:
            async for run, remaining in states:
                yield WatchRunResponse(run=render_run(run, remaining))

    async def GetRun(self, request: GetRunRequest, context: Context) -> GetRunResponse:
        """See the proto."""
        run_id = check_text("run_id", request.run_id, MAX_NAME_BYTES)
        return await self._services.reads(
            lambda: GetRunResponse(run=self._with_remaining(self._services.store.run(run_id)))
        )

    async def ListRuns(self, request: ListRunsRequest, context: Context) -> ListRunsResponse:
        """See the proto."""
        name = check_text("connector", request.connector, MAX_NAME_BYTES)
        connector_id = self._services.registry.get(name).id if name else None
        store_id = self._services.store.store_id
        place = read_page_token(request, request.page_token, (str,), store_id)
        limit = page_size(request.page_size)
        before = None if place is None else str(place[0])
        runs, remaining = await self._services.reads(lambda: self._runs(connector_id, before, limit + 1))
        token = write_page_token(request, [runs[limit - 1].id], store_id) if len(runs) > limit else ""
        return ListRunsResponse(
            runs=[render_run(run, remaining[run.connector]) for run in runs[:limit]], next_page_token=token
        )

    async def CancelRun(self, request: CancelRunRequest, context: Context) -> CancelRunResponse:
        """See the proto."""
        run_id = check_text("run_id", request.run_id, MAX_NAME_BYTES)
        actor, reason = creator_of(context), check_text("reason", request.reason, 255)
        await self._services.reads(lambda: self._services.dispatcher.cancel(run_id, actor=actor, reason=reason))
        response = CancelRunResponse()
        async with aclosing(self._services.runs.watch(run_id)) as states:
            async for run, remaining in states:
                response = CancelRunResponse(run=render_run(run, remaining))
        return response

    def _runs(self, connector_id: int | None, before: str | None, limit: int) -> tuple[Sequence[Run], dict[str, int]]:
        """Runs, and what is left in the line of each connector."""
        runs = self._services.store.runs(connector_id, before=before, limit=limit)
        return runs, {record.name: record.counts.unsettled for record in self._services.store.connectors()}

    def _request(
        self, names: list[str], *, clear_halt: bool, actor: str, reason: str
    ) -> RequestTasksProcessingResponse:
        store = self._services.store
        # Read before the runs start, so that a watch from here sees all that they change.
        positions = {record.name: record.position for record in store.connectors()}
        tickets = self._services.dispatcher.request_runs(names, clear_halt=clear_halt, actor=actor, reason=reason)
        return RequestTasksProcessingResponse(
            tickets=[self._render_ticket(ticket, positions[ticket.connector]) for ticket in tickets]
        )

    def _render_ticket(self, ticket: RunTicket, position: int) -> notify_service_pb2.RunTicket:
        return notify_service_pb2.RunTicket(
            connector=ticket.connector,
            outcome=enums_pb2.NotifyOutcome.ValueType(ticket.outcome),
            run=None if ticket.run is None else self._with_remaining(ticket.run),
            resume_token=write_resume_token({ticket.connector: position}, self._services.store.store_id),
            message=ticket.message,
        )

    def _with_remaining(self, run: Run) -> run_pb2.Run:
        return render_run(run, self._services.store.connector(run.connector).counts.unsettled)
