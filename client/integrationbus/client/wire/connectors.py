"""ConnectorService: requests and responses."""

from collections.abc import Iterable
from datetime import timedelta

from integrationbus.client.model.connectors import Connector, ConnectorStats, ResumedConnector, TaskCounts
from integrationbus.client.model.enums import ConnectorState, HeadAction, TriggerMode
from integrationbus.client.wire.arguments import enum_number, seconds, texts
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.runs import read_run
from integrationbus.client.wire.tasks import optional_time
from integrationbus.v1 import connector_service_pb2, enums_pb2

__all__ = [
    "connector_stats",
    "get_connector",
    "list_connectors",
    "pause_connector",
    "read_connector",
    "resume_connector",
    "watch_connectors",
]

_SERVICE = "/integrationbus.v1.ConnectorService/"


def list_connectors() -> Call[connector_service_pb2.ListConnectorsResponse, list[Connector]]:
    """ListConnectors."""

    def read(response: connector_service_pb2.ListConnectorsResponse) -> list[Connector]:
        return [read_connector(connector) for connector in response.connectors]

    request = connector_service_pb2.ListConnectorsRequest()
    return Call(f"{_SERVICE}ListConnectors", request, connector_service_pb2.ListConnectorsResponse, read)


def get_connector(name: str) -> Call[connector_service_pb2.GetConnectorResponse, Connector]:
    """GetConnector."""

    def read(response: connector_service_pb2.GetConnectorResponse) -> Connector:
        return read_connector(response.connector)

    request = connector_service_pb2.GetConnectorRequest(name=name)
    return Call(f"{_SERVICE}GetConnector", request, connector_service_pb2.GetConnectorResponse, read)


def pause_connector(name: str, reason: str) -> Call[connector_service_pb2.PauseConnectorResponse, Connector]:
    """PauseConnector."""

    def read(response: connector_service_pb2.PauseConnectorResponse) -> Connector:
        return read_connector(response.connector)

    request = connector_service_pb2.PauseConnectorRequest(name=name, reason=reason)
    return Call(f"{_SERVICE}PauseConnector", request, connector_service_pb2.PauseConnectorResponse, read)


def resume_connector(
    name: str, head_action: HeadAction, reason: str
) -> Call[connector_service_pb2.ResumeConnectorResponse, ResumedConnector]:
    """ResumeConnector."""

    def read(response: connector_service_pb2.ResumeConnectorResponse) -> ResumedConnector:
        run = read_run(response.run) if response.HasField("run") else None
        return ResumedConnector(connector=read_connector(response.connector), run=run)

    action = enums_pb2.HeadAction.ValueType(enum_number(head_action, HeadAction, "head_action"))
    request = connector_service_pb2.ResumeConnectorRequest(name=name, head_action=action, reason=reason)
    return Call(f"{_SERVICE}ResumeConnector", request, connector_service_pb2.ResumeConnectorResponse, read)


def connector_stats(name: str) -> Call[connector_service_pb2.GetConnectorStatsResponse, ConnectorStats]:
    """GetConnectorStats."""

    def read(response: connector_service_pb2.GetConnectorStatsResponse) -> ConnectorStats:
        return ConnectorStats(
            counts=_read_counts(response.counts),
            oldest_waiting_logged_at=optional_time(response, "oldest_waiting_logged_at"),
            logged_per_second=response.logged_per_second,
            settled_per_second=response.settled_per_second,
        )

    request = connector_service_pb2.GetConnectorStatsRequest(name=name)
    return Call(f"{_SERVICE}GetConnectorStats", request, connector_service_pb2.GetConnectorStatsResponse, read)


def watch_connectors(
    names: str | Iterable[str], interval: float
) -> Call[connector_service_pb2.WatchConnectorsResponse, list[Connector]]:
    """WatchConnectors; each message of its stream is read. ``interval`` is in seconds."""
    request = connector_service_pb2.WatchConnectorsRequest(names=texts(names, "names"))
    request.interval.FromTimedelta(timedelta(seconds=seconds(interval, "interval")))

    def read(response: connector_service_pb2.WatchConnectorsResponse) -> list[Connector]:
        return [read_connector(connector) for connector in response.connectors]

    return Call(f"{_SERVICE}WatchConnectors", request, connector_service_pb2.WatchConnectorsResponse, read)


def read_connector(message: connector_service_pb2.Connector) -> Connector:
    """Read a connector."""
    return Connector(
        name=message.name,
        display_name=message.display_name,
        class_path=message.class_path,
        state=ConnectorState(message.state),
        problem=message.problem,
        paused_by=message.paused_by,
        halted_by=message.halted_by,
        trigger_mode=TriggerMode(message.trigger_mode),
        schedule=message.schedule,
        accepts=tuple(message.accepts),
        object_types=tuple(message.object_types),
        counts=_read_counts(message.counts),
    )


def _read_counts(message: connector_service_pb2.TaskCounts) -> TaskCounts:
    return TaskCounts(
        pending=message.pending,
        running=message.running,
        retry_wait=message.retry_wait,
        succeeded=message.succeeded,
        failed=message.failed,
        skipped=message.skipped,
        deleted=message.deleted,
        waiting=message.waiting,
    )
