"""Connectors are described, checked and watched, and read as they are."""

from datetime import timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from support.either_client import EitherClient
from support.scripted_bus import HOLD, Refuse, Restart, ScriptedBus

from integrationbus.client import (
    CheckOutcome,
    Client,
    ConnectorCheck,
    ConnectorDescription,
    ConnectorState,
    Dependency,
    FieldDescription,
    InvalidRequest,
    ObjectTypeDescription,
    PartDescription,
    SnapshotHandling,
)
from integrationbus.v1 import connector_service_pb2, enums_pb2

AWAY = Refuse(code=grpc.StatusCode.UNAVAILABLE, retry_delay=timedelta(milliseconds=1))
CONNECTOR = connector_service_pb2.Connector(
    name="crm", state=enums_pb2.CONNECTOR_STATE_DISABLED, trigger_mode=enums_pb2.TRIGGER_MODE_ON_LOG
)


def states(*names: str) -> Message:
    connectors = [
        connector_service_pb2.Connector(
            name=name, state=enums_pb2.CONNECTOR_STATE_IDLE, trigger_mode=enums_pb2.TRIGGER_MODE_ON_LOG
        )
        for name in names
    ]
    return connector_service_pb2.WatchConnectorsResponse(connectors=connectors)


def test_a_description_is_read(bus: ScriptedBus, client: EitherClient) -> None:
    field = connector_service_pb2.FieldDescription(
        name="boss_id",
        type="INTEGER",
        nullable=True,
        has_default=True,
        target_type="cms.user",
        dependency=enums_pb2.DEPENDENCY_REQUIRED_HAS_DEFAULT,
        default_code_name="admin",
    )
    part = connector_service_pb2.PartDescription(
        object_type="cms.userrole", through="user_id", handling=enums_pb2.SNAPSHOT_HANDLING_INCREMENTAL
    )
    described = connector_service_pb2.ObjectTypeDescription(
        object_type="cms.user",
        class_path="crm:User",
        is_page=True,
        table="cms_user",
        roles={"guid": "user_guid"},
        fields=[field, connector_service_pb2.FieldDescription(name="age", type="INTEGER")],
        parts=[part],
        site_binding="cms.usersite",
    )
    response = connector_service_pb2.DescribeConnectorResponse(connector=CONNECTOR, object_types=[described])
    bus.answers("DescribeConnector", response)
    found = client.call(lambda each: each.describe_connector("crm"))
    assert bus.requests("DescribeConnector") == [connector_service_pb2.DescribeConnectorRequest(name="crm")]
    assert found.connector.state is ConnectorState.DISABLED
    boss = FieldDescription(
        name="boss_id",
        type="INTEGER",
        nullable=True,
        has_default=True,
        target_type="cms.user",
        dependency=Dependency.REQUIRED_HAS_DEFAULT,
        default_code_name="admin",
    )
    age = FieldDescription(
        name="age",
        type="INTEGER",
        nullable=False,
        has_default=False,
        target_type="",
        dependency=None,
        default_code_name="",
    )
    assert found == ConnectorDescription(
        connector=found.connector,
        object_types=(
            ObjectTypeDescription(
                object_type="cms.user",
                class_path="crm:User",
                is_page=True,
                table="cms_user",
                roles={"guid": "user_guid"},
                fields=(boss, age),
                parts=(
                    PartDescription(
                        object_type="cms.userrole", through="user_id", handling=SnapshotHandling.INCREMENTAL
                    ),
                ),
                site_binding="cms.usersite",
            ),
        ),
    )


def test_checks_are_read_in_their_order(bus: ScriptedBus, client: EitherClient) -> None:
    response = connector_service_pb2.CheckConnectorResponse()
    response.checks.add(subject="pause", outcome=enums_pb2.CHECK_OUTCOME_WARNING, message="paused")
    response.checks.add(subject="table t", outcome=enums_pb2.CHECK_OUTCOME_PASSED)
    bus.answers("CheckConnector", response)
    assert client.call(lambda each: each.check_connector("crm")) == [
        ConnectorCheck(subject="pause", outcome=CheckOutcome.WARNING, message="paused"),
        ConnectorCheck(subject="table t", outcome=CheckOutcome.PASSED, message=""),
    ]
    assert bus.requests("CheckConnector") == [connector_service_pb2.CheckConnectorRequest(name="crm")]


def test_connectors_are_watched_over_broken_connections(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchConnectors", [states("crm", "erp"), states("erp"), Restart()], [AWAY], [states("crm", "erp")])
    found = client.items(lambda each: each.watch_connectors(["crm", "erp"], interval=2.5), 3)
    assert [[item.name for item in each] for each in found] == [["crm", "erp"], ["erp"], ["crm", "erp"]]
    request = connector_service_pb2.WatchConnectorsRequest(
        names=["crm", "erp"], interval=Duration(seconds=2, nanos=500_000_000)
    )
    assert bus.requests("WatchConnectors") == [request] * 3


def test_a_watch_of_connectors_that_is_refused_ends(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchConnectors", [Refuse(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_FIELD")])
    with pytest.raises(InvalidRequest):
        client.items(lambda each: each.watch_connectors("crm", interval=0), 1)


def test_connectors_that_are_watched_no_longer_are_let_go(bus: ScriptedBus) -> None:
    bus.streams("WatchConnectors", [states("crm"), HOLD])
    with Client(bus.address, application="crm") as client:
        for each in client.watch_connectors():
            assert [item.name for item in each] == ["crm"]
            break
        (call,) = bus.received("WatchConnectors")
        assert call.ended.wait(10)
