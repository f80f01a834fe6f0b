"""Which connector runs when: triggers in, runs out."""

from collections.abc import Iterable, Sequence

from integrationbus.connectors.policies import OnLog
from integrationbus.server.connector import ConnectorRecord, ConnectorState, HeadAction
from integrationbus.server.errors import ConnectorNotFound, ConnectorUnhealthy
from integrationbus.server.ids import new_id
from integrationbus.server.processing.worker import ConnectorWorker
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.run import NotifyOutcome, Run, RunTicket, RunTrigger
from integrationbus.server.store import NewRun, Store

__all__ = ["Dispatcher"]


class Dispatcher:
    """Starts the runs of every connector, and holds and releases connectors.

    ``workers`` are those of the connectors that could be loaded. All methods but ``tasks_logged`` block.
    """

    def __init__(self, *, store: Store, registry: ConnectorRegistry, workers: Iterable[ConnectorWorker]) -> None:
        self._store = store
        self._registry = registry
        self._workers = {worker.name: worker for worker in workers}
        self._on_log = {
            item.name for item in registry.connectors if item.connector and isinstance(item.connector.trigger, OnLog)
        }

    def start(self) -> None:
        """Go on with what an earlier process left: runs that it did not end, and tasks that nobody has come for."""
        abandoned = set(self._store.abandoned())
        for record in self._store.connectors():
            left = record.counts.unsettled if record.name in self._on_log else record.counts.running
            if record.name in self._workers and (left or record.name in abandoned):
                self._workers[record.name].trigger(_new_run(RunTrigger.STARTUP))

    def stop(self) -> None:
        """End every run after the batch in hand."""
        for worker in self._workers.values():
            worker.begin_to_stop()
        for worker in self._workers.values():
            worker.stop()

    def tasks_logged(self, connectors: Iterable[str]) -> None:
        """Tasks were logged: wake the connectors that process at once."""
        for name in connectors:
            if name in self._on_log:
                self._workers[name].trigger_on_log(_new_run(RunTrigger.LOG))

    def schedule_is_due(self, connector: str) -> None:
        """The schedule of a connector says that it is time."""
        self._workers[connector].trigger_on_log(_new_run(RunTrigger.SCHEDULE))

    def request_runs(self, names: Sequence[str], *, clear_halt: bool, actor: str, reason: str) -> Sequence[RunTicket]:
        """Start or join a run of each connector; of all without names.

        Raises ConnectorNotFound with nothing started.
        """
        # Another process may have put connectors on record that this one was not started with.
        known = sorted({self._registry.get(name).name for name in names}) or self._registry.names
        records = [self._store.connector(name) for name in known]
        return [self._request_run(record, clear_halt=clear_halt, actor=actor, reason=reason) for record in records]

    def pause(self, name: str, *, actor: str, reason: str) -> None:
        """Hold a connector. Raises ConnectorNotFound."""
        self._store.set_paused(name, paused=True, actor=actor, reason=reason)
        if name in self._workers:
            self._workers[name].poke()

    def resume(self, name: str, action: HeadAction, *, actor: str, reason: str) -> Run:
        """Release a connector from a pause and a halt, and start a run.

        Raises ConnectorNotFound, and ConnectorUnhealthy with nothing changed.
        """
        registered = self._registry.get(name)
        if registered.connector is None:
            raise ConnectorUnhealthy(f"{name} cannot run: {registered.problem}")
        self._store.clear_halt(name, action, actor=actor, reason=reason)
        self._store.set_paused(name, paused=False, actor="", reason="")
        run = _new_run(RunTrigger.RESUME, actor, reason)
        return self._workers[name].trigger_on_record(run)[1]

    def state_of(self, record: ConnectorRecord) -> tuple[ConnectorState, str]:
        """What a connector is doing, and why if something holds it."""
        try:
            registered = self._registry.get(record.name)
        except ConnectorNotFound:
            # Another process put it on record since, through the same database.
            return ConnectorState.UNHEALTHY, "this server was not started with it; its tasks wait"
        if registered.connector is None:
            return ConnectorState.UNHEALTHY, registered.problem
        if record.halted_by:
            return ConnectorState.HALTED, f"task {record.halted_by} failed; resume the connector to go on"
        if record.paused:
            return ConnectorState.PAUSED, record.pause_reason
        running = self._workers[record.name].is_running
        return (ConnectorState.RUNNING if running else ConnectorState.IDLE), ""

    def _request_run(self, record: ConnectorRecord, *, clear_halt: bool, actor: str, reason: str) -> RunTicket:
        state, problem = self.state_of(record)
        if state is ConnectorState.HALTED and clear_halt:
            self._store.clear_halt(record.name, HeadAction.RETRY, actor=actor, reason=reason)
            state, problem = self.state_of(self._store.connector(record.name))
        refusal = _REFUSALS.get(state)
        if refusal is not None:
            return RunTicket(connector=record.name, outcome=refusal, message=problem)
        run = _new_run(RunTrigger.NOTIFY, actor, reason)
        outcome, accepted = self._workers[record.name].trigger_on_record(run)
        return RunTicket(connector=record.name, outcome=outcome, run=accepted)


_REFUSALS = {
    ConnectorState.HALTED: NotifyOutcome.REFUSED_HALTED,
    ConnectorState.PAUSED: NotifyOutcome.REFUSED_PAUSED,
    ConnectorState.UNHEALTHY: NotifyOutcome.REFUSED_UNHEALTHY,
}


def _new_run(trigger: RunTrigger, requested_by: str = "", reason: str = "") -> NewRun:
    return NewRun(id=new_id(), trigger=trigger, requested_by=requested_by, reason=reason)
