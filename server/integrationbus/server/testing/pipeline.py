"""The parts of a server that process tasks, without its network and its threads."""

from collections.abc import Sequence
from datetime import datetime

from integrationbus.client import NewTask
from integrationbus.client.wire.tasks import task_spec
from integrationbus.connectors.discovery import FoundConnector
from integrationbus.server.claims import NewRun
from integrationbus.server.clock import Clock
from integrationbus.server.connector import HeadAction
from integrationbus.server.errors import ConnectorUnhealthy
from integrationbus.server.ids import new_id
from integrationbus.server.limits import Limits
from integrationbus.server.loading import register_connectors
from integrationbus.server.log_entries import LogEntry
from integrationbus.server.processing.one_database import OneDatabase
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.processing.runner import Runner
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.rpc.intake import check_task
from integrationbus.server.run import Run, RunTrigger
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target.reader import ObjectReader
from integrationbus.server.target.sql_target import SqlTarget

__all__ = ["Pipeline"]

_ACTOR = "tests"


class Pipeline:
    """The store, the target and a runner for each connector. A run takes place in the call that asks for it."""

    def __init__(self, database_url: str, clock: Clock, found: Sequence[FoundConnector]) -> None:
        """Open the database, and make the tables of the connectors.

        Raises ConnectorUnhealthy when one of them cannot be used, and the errors of ``open_store``.
        """
        self._clock = clock
        self._opened = open_store(database_url, clock)
        try:
            self.registry = register_connectors(self._opened, found)
            self._runners = {item.name: self._runner(item) for item in map(self._usable, found)}
        except BaseException:
            self._opened.close()
            raise
        self.store = self._opened.store
        self.objects = ObjectReader(self._opened.database, self.registry)

    def close(self) -> None:
        """Release the database."""
        self._opened.close()

    def log(self, tasks: Sequence[NewTask]) -> list[str]:
        """Store tasks in their order, with the checks of the server, in one transaction; returns their ids.

        Raises InvalidRequest or ConnectorNotFound, with nothing stored.
        """
        limits = Limits()
        checked = [check_task(task_spec(task), registry=self.registry, limits=limits, creator=_ACTOR) for task in tasks]
        if checked:
            self.store.append([LogEntry(tasks=checked)])
        return [task.id for task in checked]

    def run(self, name: str) -> Run:
        """Process the line of a connector until it is done, halts, or waits for a time that has not come."""
        return self._run(name, RunTrigger.NOTIFY)

    def resume(self, name: str, action: HeadAction) -> Run:
        """Release a halted connector, do with the head of its line as told, and process the line."""
        self.store.clear_halt(name, action, actor=_ACTOR, reason="")
        return self._run(name, RunTrigger.RESUME)

    def waiting(self, name: str) -> int:
        """How many tasks of a connector have not been settled yet."""
        return self.store.connector(name).counts.unsettled

    def _run(self, name: str, trigger: RunTrigger) -> Run:
        run = NewRun(id=new_id(), trigger=trigger, requested_by=_ACTOR)
        lease = self.store.acquire_lease(name, _ACTOR, run.id, crashed=False)
        self.store.begin_run(lease.connector_id, run)
        end = self._runners[name].run(lease, run, 0, _UntilTimeMustPass(self._clock))
        self.store.end_run(run.id, end.state)
        self.store.release_lease(name, _ACTOR)
        return self.store.run(run.id)

    def _usable(self, found: FoundConnector) -> RegisteredConnector:
        registered = self.registry.get(found.name)
        if registered.connector is None:
            raise ConnectorUnhealthy(f"{found.class_path} cannot be used: {registered.problem}")
        return registered

    def _runner(self, registered: RegisteredConnector) -> Runner:
        connector = registered.connector
        assert connector, "only connectors that could be loaded have runners"
        return Runner(
            store=self._opened.store,
            effects=OneDatabase(self._opened.store),
            target=SqlTarget(self.registry.classes),
            preparer=Preparer(connector, self.registry, self._clock),
            retry=connector.retry,
            keeps_translations=not connector.clear_translations_after_processing,
            clock=self._clock,
            on_commit=lambda _settled, _called: None,
        )


class _UntilTimeMustPass:
    """See ``Pause``: a run ends where a server's would wait, for nobody but the test moves the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """See ``Pause``."""
        return self._stopping

    @property
    def trusted(self) -> bool:
        """See ``Pause``."""
        return True

    def prove(self, asked_at: float) -> None:
        """See ``Pause``."""

    def wait_until(self, moment: datetime) -> None:
        """See ``Pause``."""
        self._stopping = moment > self._clock.now()
