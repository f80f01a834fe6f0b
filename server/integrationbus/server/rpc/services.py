"""What the API needs of the rest of the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from integrationbus.server.connector import ConnectorRecord, ConnectorState, HeadAction
from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.limits import Limits
from integrationbus.server.object_view import ObjectKey, ObjectView
from integrationbus.server.rates import Rates
from integrationbus.server.reads import Reads
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.rpc.open_streams import OpenStreams
from integrationbus.server.run import Run, RunTicket
from integrationbus.server.run_watch import RunWatch
from integrationbus.server.store import Store
from integrationbus.server.task_log import TaskLog

__all__ = ["Dispatcher", "Objects", "Services"]


class Dispatcher(Protocol):
    """Starts runs, and holds and releases connectors. Every method blocks."""

    def request_runs(self, names: Sequence[str], *, clear_halt: bool, actor: str, reason: str) -> Sequence[RunTicket]:
        """Start or join a run of each connector; of all without names. Raises ConnectorNotFound."""
        ...

    def pause(self, name: str, *, actor: str, reason: str) -> None:
        """Hold a connector. Raises ConnectorNotFound."""
        ...

    def resume(self, name: str, action: HeadAction, *, actor: str, reason: str) -> Run:
        """Release a connector and start a run. Raises ConnectorNotFound or ConnectorUnhealthy."""
        ...

    def state_of(self, record: ConnectorRecord) -> tuple[ConnectorState, str]:
        """What a connector is doing, and why if something holds it."""
        ...


class Objects(Protocol):
    """Reads internal objects. Every method blocks and may raise ObjectTypeNotFound."""

    def get(self, object_type: str, key: ObjectKey) -> ObjectView:
        """One object. Raises ObjectNotFound or KeyAmbiguousRefused."""
        ...

    def list(self, object_type: str, *, after_id: int, limit: int) -> Sequence[ObjectView]:
        """Objects by id."""
        ...

    def count(self, object_type: str) -> int:
        """How many there are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the servicers call."""

    registry: ConnectorRegistry
    store: Store
    reads: Reads
    task_log: TaskLog
    log_streams: OpenStreams
    feed: TaskFeed
    dispatcher: Dispatcher
    runs: RunWatch
    objects: Objects
    rates: Rates
    limits: Limits
    started_at: datetime
    version: str
