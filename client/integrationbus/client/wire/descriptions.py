"""ConnectorService, what connectors make and what is wrong with them: requests and responses."""

from integrationbus.client.model.descriptions import (
    ConnectorCheck,
    ConnectorDescription,
    FieldDescription,
    ObjectTypeDescription,
    PartDescription,
)
from integrationbus.client.model.enums import CheckOutcome, Dependency, SnapshotHandling
from integrationbus.client.wire.call import Call
from integrationbus.client.wire.connectors import read_connector
from integrationbus.v1 import connector_service_pb2

__all__ = ["check_connector", "describe_connector"]

_SERVICE = "/integrationbus.v1.ConnectorService/"


def describe_connector(name: str) -> Call[connector_service_pb2.DescribeConnectorResponse, ConnectorDescription]:
    """DescribeConnector."""

    def read(response: connector_service_pb2.DescribeConnectorResponse) -> ConnectorDescription:
        return ConnectorDescription(
            connector=read_connector(response.connector),
            object_types=tuple(_read_type(item) for item in response.object_types),
        )

    request = connector_service_pb2.DescribeConnectorRequest(name=name)
    return Call(f"{_SERVICE}DescribeConnector", request, connector_service_pb2.DescribeConnectorResponse, read)


def check_connector(name: str) -> Call[connector_service_pb2.CheckConnectorResponse, list[ConnectorCheck]]:
    """CheckConnector."""

    def read(response: connector_service_pb2.CheckConnectorResponse) -> list[ConnectorCheck]:
        return [
            ConnectorCheck(subject=item.subject, outcome=CheckOutcome(item.outcome), message=item.message)
            for item in response.checks
        ]

    request = connector_service_pb2.CheckConnectorRequest(name=name)
    return Call(f"{_SERVICE}CheckConnector", request, connector_service_pb2.CheckConnectorResponse, read)


def _read_type(message: connector_service_pb2.ObjectTypeDescription) -> ObjectTypeDescription:
    return ObjectTypeDescription(
        object_type=message.object_type,
        class_path=message.class_path,
        is_page=message.is_page,
        table=message.table,
        roles=dict(message.roles),
        fields=tuple(_read_field(item) for item in message.fields),
        parts=tuple(
            PartDescription(
                object_type=item.object_type, through=item.through, handling=SnapshotHandling(item.handling)
            )
            for item in message.parts
        ),
        site_binding=message.site_binding,
    )


def _read_field(message: connector_service_pb2.FieldDescription) -> FieldDescription:
    return FieldDescription(
        name=message.name,
        type=message.type,
        nullable=message.nullable,
        has_default=message.has_default,
        target_type=message.target_type,
        dependency=Dependency(message.dependency) if message.dependency else None,
        default_code_name=message.default_code_name,
    )
