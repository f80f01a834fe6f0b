"""Watching objects: nothing missing, nothing twice, whatever breaks."""

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.either_client import EitherClient, EitherWatch
from support.scripted_bus import HOLD, Refuse, Restart, ScriptedBus

from integrationbus.client import BusObject, NotFound, ObjectChange, ResumeToken, TaskEffect, TokenExpired
from integrationbus.v1 import enums_pb2, object_service_pb2, payload_pb2, task_pb2, task_service_pb2
from integrationbus.v1.object_service_pb2 import WatchObjectsRequest, WatchObjectsResponse

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON = timedelta(milliseconds=1)
DRAINING = Refuse(code=grpc.StatusCode.UNAVAILABLE, reason="SERVER_DRAINING", retry_delay=SOON)


def token_message(**positions: int) -> task_pb2.ResumeToken:
    return task_pb2.ResumeToken(store_id="s", positions=positions)


def token(**positions: int) -> ResumeToken:
    return ResumeToken("s", positions)


def checkpoint(**positions: int) -> WatchObjectsResponse:
    return WatchObjectsResponse(checkpoint=task_service_pb2.Checkpoint(), resume_token=token_message(**positions))


def changes(*ids: int, **positions: int) -> WatchObjectsResponse:
    items = [
        object_service_pb2.ObjectChange(object_type="cms.user", object_id=each, effect=enums_pb2.TASK_EFFECT_CREATED)
        for each in ids
    ]
    return WatchObjectsResponse(
        changes=object_service_pb2.ObjectChanges(changes=items),
        resume_token=token_message(**positions) if positions else None,
    )


def starts(bus: ScriptedBus) -> list[task_pb2.ResumeToken | None]:
    """How each call wanted to start: from a token, or with the next change (None)."""
    found: list[task_pb2.ResumeToken | None] = []
    for request in bus.requests("WatchObjects"):
        assert isinstance(request, WatchObjectsRequest)
        found.append(request.resume_token if request.HasField("resume_token") else None)
    return found


def take(watch: EitherWatch[ObjectChange], count: int) -> list[int]:
    return [watch.next().object_id for _ in range(count)]


def test_the_filter_travels_and_a_change_is_read(bus: ScriptedBus, client: EitherClient) -> None:
    found = object_service_pb2.BusObject(
        object_type="cms.user", id=7, fields=payload_pb2.Record(fields={"age": payload_pb2.Value(int64_value=5)})
    )
    change = object_service_pb2.ObjectChange(
        object_type="cms.user",
        object_id=7,
        effect=enums_pb2.TASK_EFFECT_MOVED,
        connector="crm",
        task_id="t1",
        external_id="x",
        run_id="r1",
        occurred_at=Timestamp(seconds=int(NOON.timestamp())),
        object=found,
    )
    message = WatchObjectsResponse(
        changes=object_service_pb2.ObjectChanges(changes=[change]), resume_token=token_message(crm=2)
    )
    bus.streams("WatchObjects", [checkpoint(crm=1), message, HOLD])
    with client.watch_objects("cms.user", "crm", since=token(crm=1), with_objects=True) as watch:
        assert watch.resume_token == token(crm=1)
        item = watch.next()
    assert item == ObjectChange(
        object_type="cms.user",
        object_id=7,
        effect=TaskEffect.MOVED,
        connector="crm",
        task_id="t1",
        external_id="x",
        run_id="r1",
        occurred_at=NOON,
        object=BusObject(object_type="cms.user", id=7, guid=None, code_name="", fields={"age": 5}),
    )
    assert bus.requests("WatchObjects") == [
        WatchObjectsRequest(
            object_types=["cms.user"], connectors=["crm"], resume_token=token_message(crm=1), include_objects=True
        )
    ]


def test_the_token_moves_when_all_changes_of_a_message_were_handed_out(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchObjects", [checkpoint(crm=1, erp=1), changes(1, 2, crm=3), checkpoint(erp=9), HOLD])
    with client.watch_objects() as watch:
        tokens = []
        for _ in range(2):
            watch.next()
            tokens.append(watch.resume_token)
    assert tokens == [token(crm=1, erp=1), token(crm=3, erp=1)]


def test_a_watch_that_breaks_goes_on_where_it_was(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams(
        "WatchObjects",
        [checkpoint(crm=1), changes(1, 2, crm=3), Restart()],
        [DRAINING],
        [checkpoint(crm=3), changes(3, crm=4), HOLD],
    )
    with client.watch_objects() as watch:
        assert take(watch, 3) == [1, 2, 3]
    assert starts(bus) == [None, token_message(crm=3), token_message(crm=3)]


def test_half_of_what_a_task_did_is_not_handed_out_twice(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams(
        "WatchObjects",
        [checkpoint(crm=1), changes(1, 2), DRAINING],
        [checkpoint(crm=1), changes(1, 2), changes(3, crm=2), HOLD],
    )
    with client.watch_objects() as watch:
        assert take(watch, 3) == [1, 2, 3]
        assert watch.resume_token == token(crm=2)


def test_what_cannot_be_watched_is_refused_at_once(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchObjects", [Refuse(code=grpc.StatusCode.NOT_FOUND, reason="OBJECT_TYPE_NOT_FOUND")])
    with pytest.raises(NotFound), client.watch_objects("cms.dog"):
        pass


def test_a_token_that_is_too_old_ends_the_watch(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchObjects", [Refuse(code=grpc.StatusCode.OUT_OF_RANGE, reason="RESUME_TOKEN_EXPIRED")])
    with pytest.raises(TokenExpired), client.watch_objects(since=token(crm=1)):
        pass


def test_leaving_the_block_ends_the_call(bus: ScriptedBus, client: EitherClient) -> None:
    bus.streams("WatchObjects", [checkpoint(crm=1), HOLD])
    with client.watch_objects():
        pass
    (call,) = bus.received("WatchObjects")
    assert call.ended.wait(10)
