"""The public surface of the client."""

import inspect
import logging
from collections.abc import Callable

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from integrationbus import client
from integrationbus.client import AsyncClient, Client, Unavailable
from integrationbus.client.wire.channel import REPEATABLE
from integrationbus.client.wire.patience import Patience
from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)

FILES = (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)
SERVICES: dict[str, ServiceDescriptor] = {
    service.full_name: service for module in FILES for service in module.DESCRIPTOR.services_by_name.values()
}
# These act again when they are made again, or are streams that go on where they were by other means.
NOT_REPEATED = {
    "CancelRun",
    "DeleteTasks",
    "LogTaskStream",
    "ResumeConnector",
    "RetryTasks",
    "SkipTasks",
    "WatchConnectors",
    "WatchObjects",
    "WatchRun",
    "WatchTasks",
}


def public_methods(cls: type) -> dict[str, Callable[..., object]]:
    members = {name: each for base in reversed(cls.__mro__) for name, each in vars(base).items()}
    return {name: each for name, each in members.items() if not name.startswith("_") and callable(each)}


def test_the_public_names_are_sorted_and_exist() -> None:
    assert client.__all__ == sorted(client.__all__)
    assert [name for name in client.__all__ if not hasattr(client, name)] == []


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    sync, asynchronous = public_methods(Client), public_methods(AsyncClient)
    assert list(sync) == list(asynchronous)
    for name, method in sync.items():
        assert list(inspect.signature(method).parameters) == list(inspect.signature(asynchronous[name]).parameters)
        assert method.__doc__ == asynchronous[name].__doc__


def test_grpc_repeats_every_method_that_is_safe_to_repeat() -> None:
    everything = {(service.full_name, method.name) for service in SERVICES.values() for method in service.methods}
    repeated = {(service, method) for service, methods in REPEATABLE.items() for method in methods}
    assert repeated == {(service, method) for service, method in everything if method not in NOT_REPEATED}


def test_patience_waits_longer_each_time_until_its_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 100.0
    patience = Patience(10, monotonic=lambda: now)
    away = Unavailable("gone")
    delays = []
    while now < 110:
        delays.append(patience.delay_after(away))
        now += delays[-1]
    assert all(0.05 <= delay <= 2 for delay in delays[:-1])
    assert delays[4] > delays[0]
    assert now == pytest.approx(110)
    with pytest.raises(Unavailable):
        patience.delay_after(away)
    assert len(caplog.messages) == len(delays)


def test_a_success_renews_patience() -> None:
    now = 0.0
    patience = Patience(10, monotonic=lambda: now)
    patience.delay_after(Unavailable("gone"))
    now = 9.0
    patience.succeeded()
    patience.delay_after(Unavailable("gone"))
    now = 18.0
    assert patience.delay_after(Unavailable("gone")) <= 1
