"""Starting the processing of tasks from anywhere, in one call."""

import grpc

from integrationbus.v1 import enums_pb2, notify_service_pb2, notify_service_pb2_grpc

__all__ = ["request_tasks_processing"]


def request_tasks_processing(
    server_url: str, connector_name: str | None = None, *, timeout_seconds: float = 30.0
) -> dict[str, str]:
    """Ask a server to process the tasks of one connector, or of all.

    ``server_url`` is the server's address, for example "localhost:50051", without encryption; a caller that needs more
    uses ``integrationbus.client``. Returns what happened by connector: "STARTED", "COALESCED" or "REFUSED_...".
    Raises grpc.RpcError when the server cannot be reached or does not know the connector.
    """
    connectors = [] if connector_name is None else [connector_name]
    request = notify_service_pb2.RequestTasksProcessingRequest(connectors=connectors)
    with grpc.insecure_channel(server_url) as channel:
        stub = notify_service_pb2_grpc.NotifyServiceStub(channel)
        response = stub.RequestTasksProcessing(request, timeout=timeout_seconds)
    names = enums_pb2.NotifyOutcome.Name
    return {ticket.connector: names(ticket.outcome).removeprefix("NOTIFY_OUTCOME_") for ticket in response.tickets}
