"""What the API needs of the rest of the server."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from integrationbus.server.actions import ActionReport, WantedAction
from integrationbus.server.check import ConnectorCheck
from integrationbus.server.connector import ConnectorRecord, ConnectorState, HeadAction
from integrationbus.server.connector_watch import ConnectorWatch
from integrationbus.server.feed.task_feed import TaskFeed
from integrationbus.server.limits import Limits
from integrationbus.server.object_view import KnownKey, ObjectKey, ObjectView, ResolvedKey
from integrationbus.server.preview import Preview
from integrationbus.server.rates import Rates
from integrationbus.server.reads import Reads
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.replica import Roll
from integrationbus.server.retention import Retention
from integrationbus.server.rpc.open_streams import OpenStreams
from integrationbus.server.run import Run, RunTicket
from integrationbus.server.run_watch import RunWatch
from integrationbus.server.store import Store
from integrationbus.server.switches import Switch, SwitchState
from integrationbus.server.task import NewTask
from integrationbus.server.task_log import TaskLog

__all__ = ["Checker", "Dispatcher", "Keys", "Objects", "Previewer", "Replicas", "Services", "TaskActions"]


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

    def set_enabled(self, name: str, *, enabled: bool, actor: str, reason: str) -> None:
        """Switch a connector on or off. Raises ConnectorNotFound."""
        ...

    def set_switch(self, switch: Switch, *, on: bool, actor: str, reason: str) -> SwitchState:
        """Turn a switch of the bus on or off."""
        ...

    def cancel(self, run_id: str, *, actor: str, reason: str) -> None:
        """Make a run end after the batch in hand. Raises RunNotFound and RunEnded."""
        ...

    def connectors(self) -> Sequence[ConnectorRecord]:
        """The connectors on record, but for what was configured by mistake."""
        ...

    def state_of(self, record: ConnectorRecord) -> tuple[ConnectorState, str]:
        """What a connector is doing, and why if something holds it."""
        ...


class TaskActions(Protocol):
    """What operators do with tasks."""

    async def perform(self, wanted: WantedAction) -> ActionReport:
        """Act on a selection of tasks, part by part. Raises TaskNotFound, TaskRunning, TaskFinal and EtagMismatch."""
        ...


class Previewer(Protocol):
    """Tries tasks out."""

    async def preview(self, task: NewTask) -> Preview:
        """What a task would do now. Raises ConnectorUnhealthy."""
        ...


class Checker(Protocol):
    """Looks for what would keep a connector from working. Blocks, and changes nothing."""

    def check(self, name: str) -> Sequence[ConnectorCheck]:
        """Every check, in a fixed order. Raises ConnectorNotFound."""
        ...


class Keys(Protocol):
    """Translates between external ids and internal ones. Blocks."""

    def resolve(self, connector: str, keys: Sequence[KnownKey]) -> Sequence[ResolvedKey]:
        """An answer for each key, in their order. Raises ConnectorNotFound or ObjectTypeNotFound."""
        ...


class Objects(Protocol):
    """Reads internal objects. Every method blocks and may raise ObjectTypeNotFound."""

    def get(self, object_type: str, key: ObjectKey) -> ObjectView:
        """One object. Raises ObjectNotFound or KeyAmbiguousRefused."""
        ...

    def list(self, object_type: str, *, after_id: int, limit: int) -> Sequence[ObjectView]:
        """Objects by id."""
        ...

    def by_ids(self, object_type: str, ids: Collection[int]) -> Mapping[int, ObjectView]:
        """The objects with these ids, by id; those that do not exist are left out."""
        ...

    def count(self, object_type: str) -> int:
        """How many there are."""
        ...


class Replicas(Protocol):
    """Knows the servers that work on the database."""

    @property
    def own_id(self) -> str:
        """The id of this one."""
        ...

    def roll(self) -> Roll:
        """All of them. Blocks."""
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
    connector_watch: ConnectorWatch
    checker: Checker
    keys: Keys
    objects: Objects
    actions: TaskActions
    previewer: Previewer
    replicas: Replicas
    rates: Rates
    limits: Limits
    retention: Retention
    started_at: datetime
    version: str
