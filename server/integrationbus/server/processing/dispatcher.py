"""Which connector runs when: triggers in, runs out."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from integrationbus.connectors.policies import OnLog
from integrationbus.server.claims import NewRun
from integrationbus.server.clock import Clock, SystemClock
from integrationbus.server.connector import ConnectorRecord, ConnectorState, HeadAction
from integrationbus.server.errors import (
    ConnectorNotFound,
    ConnectorUnhealthy,
    OutcomeUnknown,
    ServerDraining,
    StoreUnavailable,
)
from integrationbus.server.ids import new_id
from integrationbus.server.processing.worker import ConnectorWorker
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.replicas.homes import AllHere, Homes
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.run import NotifyOutcome, Run, RunTicket, RunTrigger
from integrationbus.server.store import Store
from integrationbus.server.switches import Switch, SwitchState

__all__ = ["Dispatcher"]


class Dispatcher:
    """Starts the runs of every connector, and holds and releases connectors.

    ``workers`` are those of the connectors that could be loaded. What is asked for a connector that is processed
    elsewhere, as ``homes`` says, is left for whoever does. ``handover`` is the longest time in which nobody processes a
    connector while it moves from a replica that died. All methods but ``tasks_logged`` block.
    """

    def __init__(
        self,
        *,
        store: Store,
        registry: ConnectorRegistry,
        workers: Iterable[ConnectorWorker],
        homes: Homes | None = None,
        clock: Clock | None = None,
        handover: timedelta = timedelta(),
    ) -> None:
        self._store = store
        self._registry = registry
        self._homes = homes or AllHere()
        self._clock = clock or SystemClock()
        self._handover = handover
        self._due: dict[str, float] = {}
        self._seen_free: set[str] = set()
        self._workers = {worker.name: worker for worker in workers}
        self._on_log = {
            item.name for item in registry.connectors if item.connector and isinstance(item.connector.trigger, OnLog)
        }

    def adopt(self, names: Collection[str]) -> None:
        """Go on with what an earlier holder left: runs that it did not end, and tasks that nobody has come for."""
        self._take_up(names)
        abandoned, called = set(self._store.abandoned()), set(self._store.called())
        for record in self._store.connectors():
            if record.name not in self._workers or record.name not in names:
                continue
            # It was found before others had the connector.
            self._workers[record.name].forget_hold()
            self._catch_up(record.name)
            left = record.counts.unsettled if record.name in self._on_log else record.counts.running
            with suppress(ServerDraining):
                if left or record.name in abandoned:
                    self._workers[record.name].trigger(_new_run(RunTrigger.STARTUP))
                elif record.name in called or record.counts.waiting:
                    # Also to learn when the next wait ends.
                    self._workers[record.name].trigger(_new_run(RunTrigger.STARTUP, called_only=True))

    def give_back(self, names: Collection[str]) -> Collection[str]:
        """Let others have those of the named connectors that rest; returns their names."""
        return [name for name in names if name not in self._workers or self._workers[name].give_back()]

    def see(self, tidings: Tidings) -> None:
        """Take note of what other processes did, and do what they left for this one."""
        for request in tidings.requested:
            if self._is_here(request.connector):
                self._workers[request.connector].trigger_requested(request)
        self.tasks_logged(self._registry.names_of(tidings.logged))
        changed, held = frozenset(self._registry.names_of(tidings.changed)), frozenset(tidings.held)
        holds = held.union(tidings.halted)
        for name in tidings.called:
            if self._is_here(name) and not self._workers[name].is_busy:
                self._workers[name].trigger_on_log(_new_run(RunTrigger.CALL, called_only=True))
        for worker in self._workers.values():
            self._go_on_unless_held(worker, holds)
            if worker.is_running and not worker.backs_off and (worker.name in held or worker.name in changed):
                worker.poke()
            for run_id in tidings.cancelled:
                worker.cancel(run_id)

    def stop(self) -> None:
        """End every run after the batch in hand."""
        for worker in self._workers.values():
            worker.begin_to_stop()
        for worker in self._workers.values():
            worker.stop()

    def tasks_logged(self, connectors: Iterable[str]) -> None:
        """Tasks were logged: wake the connectors that process at once."""
        for name in connectors:
            if name in self._on_log and self._homes.is_here(name):
                self._workers[name].trigger_on_log(_new_run(RunTrigger.LOG))

    def tasks_called(self, connector_ids: Iterable[int], *, actor: str = "", reason: str = "") -> None:
        """Tasks were called out of their turn: process them, and nothing else. Raises ServerDraining."""
        for name in self._registry.names_of(connector_ids):
            self._trigger(name, _new_run(RunTrigger.CALL, actor, reason, called_only=True))

    def tasks_taken_out(self, connector_ids: Iterable[int]) -> None:
        """Tasks were taken out of their lines: a run that waits to try one of them again goes on without it."""
        for name in self._registry.names_of(connector_ids):
            if name in self._workers:
                self._workers[name].poke()

    def connectors_released(self, connector_ids: Iterable[int], *, actor: str, reason: str) -> None:
        """As ``line_released``, by the ids of the connectors."""
        self.line_released(self._registry.names_of(connector_ids), actor=actor, reason=reason)

    def line_released(self, connectors: Iterable[str], *, actor: str, reason: str) -> None:
        """Something that held connectors is gone: those that process at once go on, the others with what is called.

        Raises ServerDraining.
        """
        for name in connectors:
            if name in self._workers:
                self._workers[name].forget_hold()
            self._trigger(name, _new_run(RunTrigger.RESUME, actor, reason, called_only=name not in self._on_log))

    @contextmanager
    def releasing(self, connectors: Iterable[str] = (), *, actor: str, reason: str) -> Iterator[None]:
        """Around what may release these connectors, or any without names.

        If it fails nobody knows how much of it was done, so they look; one that is still held ends its run at once.
        """
        try:
            yield
        except (OutcomeUnknown, StoreUnavailable):
            with suppress(ServerDraining):
                self.line_released(list(connectors) or self._registry.names, actor=actor, reason=reason)
            raise

    def look_for_called(self) -> None:
        """Process what is called out of turn, whoever called it."""
        with suppress(ServerDraining):
            for name in self._store.called():
                if self._is_here(name):
                    self._workers[name].trigger(_new_run(RunTrigger.CALL, called_only=True))

    def schedule_is_due(self, connector: str) -> None:
        """The schedule of a connector says that it is time: to every replica, and the one that processes it runs it.

        The others remember it: the one that takes the connector over a moment later runs it.
        """
        if self._homes.is_here(connector):
            self._workers[connector].trigger_on_log(_new_run(RunTrigger.SCHEDULE))
        else:
            self._due[connector] = self._clock.monotonic()

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
        self._homes.tell()

    def set_enabled(self, name: str, *, enabled: bool, actor: str, reason: str) -> None:
        """Switch a connector on or off. Raises ConnectorNotFound."""
        with self.releasing([name], actor=actor, reason=reason):
            self._store.set_enabled(name, enabled=enabled, actor=actor, reason=reason)
        if enabled:
            self.line_released([name], actor=actor, reason=reason)
        elif name in self._workers:
            self._workers[name].poke()
        self._homes.tell()

    def set_switch(self, switch: Switch, *, on: bool, actor: str, reason: str) -> SwitchState:
        """Turn a switch of the bus on or off."""
        with self.releasing(actor=actor, reason=reason):
            state = self._store.set_switch(switch, on=on, actor=actor, reason=reason)
        if on:
            self.line_released(self._registry.names, actor=actor, reason=reason)
        for worker in self._workers.values():
            worker.poke()
        self._homes.tell()
        return state

    def cancel(self, run_id: str, *, actor: str, reason: str) -> None:
        """Make a run end after the batch in hand. Raises RunNotFound and RunEnded."""
        self._store.note_cancellation(run_id, actor=actor, reason=reason)
        for worker in self._workers.values():
            if worker.cancel(run_id):
                return
        self._homes.tell()

    def resume(self, name: str, action: HeadAction, *, actor: str, reason: str) -> Run:
        """Release a connector from a pause and a halt, and start a run.

        Raises ConnectorNotFound, and ConnectorUnhealthy with nothing changed.
        """
        registered = self._registry.get(name)
        if registered.connector is None and not self._homes.is_elsewhere(name):
            raise ConnectorUnhealthy(f"{name} cannot run: {registered.problem}")
        with self.releasing([name], actor=actor, reason=reason):
            self._store.clear_halt(name, action, actor=actor, reason=reason)
            self._store.set_paused(name, paused=False, actor="", reason="")
        return self._start(name, _new_run(RunTrigger.RESUME, actor, reason))[1]

    def connectors(self) -> Sequence[ConnectorRecord]:
        """The connectors on record, but for what was configured by mistake: see ``ConnectorRecord.never_began``."""
        records = self._store.connectors()
        return [record for record in records if self._registry.knows(record.name) or not record.never_began]

    def state_of(self, record: ConnectorRecord) -> tuple[ConnectorState, str]:
        """What a connector is doing, and why if something holds it."""
        try:
            registered = self._registry.get(record.name)
        except ConnectorNotFound:
            # Another process put it on record since, through the same database.
            return ConnectorState.UNHEALTHY, "this server was not started with it; its tasks wait"
        if registered.connector is None and not self._homes.is_elsewhere(record.name):
            return ConnectorState.UNHEALTHY, registered.problem
        if not record.enabled:
            return ConnectorState.DISABLED, record.disable_reason or "it is switched off"
        if not record.processing_on:
            return ConnectorState.DISABLED, "the bus, or its processing, is switched off"
        if record.halted_by:
            return ConnectorState.HALTED, f"task {record.halted_by} failed; resume the connector to go on"
        if record.paused:
            return ConnectorState.PAUSED, record.pause_reason
        return (ConnectorState.RUNNING if self._is_running(record) else ConnectorState.IDLE), ""

    def _is_running(self, record: ConnectorRecord) -> bool:
        """Its worker knows best, once it has the connector; until then another process may still be at work."""
        if not self._is_here(record.name):
            return record.run_open
        worker = self._workers[record.name]
        return worker.is_running or (record.run_open and not worker.trusted)

    def _request_run(self, record: ConnectorRecord, *, clear_halt: bool, actor: str, reason: str) -> RunTicket:
        state, problem = self.state_of(record)
        if state is ConnectorState.HALTED and clear_halt:
            with self.releasing([record.name], actor=actor, reason=reason):
                self._store.clear_halt(record.name, HeadAction.RETRY, actor=actor, reason=reason)
            state, problem = self.state_of(self._store.connector(record.name))
        refusal = _REFUSALS.get(state)
        if refusal is not None:
            return RunTicket(connector=record.name, outcome=refusal, message=problem)
        run = _new_run(RunTrigger.NOTIFY, actor, reason)
        outcome, accepted = self._start(record.name, run)
        return RunTicket(connector=record.name, outcome=outcome, run=accepted)

    def _start(self, name: str, run: NewRun) -> tuple[NotifyOutcome, Run]:
        """Start or join a run of a connector, wherever it is processed.

        Where others could take the connector, only its holder begins a run by itself; else it is left for who takes it.
        """
        if self._is_here(name):
            worker, shared = self._workers[name], self._homes.is_elsewhere(name)
            accepted = worker.trigger_as_holder(run) if shared else worker.trigger_on_record(run)
            if accepted is not None:
                return accepted
        ticket = self._store.leave_request(self._registry.get(name).id, run)
        self._homes.tell()
        return ticket

    def _trigger(self, name: str, run: NewRun) -> None:
        """As ``_start``, for what nobody waits for."""
        if self._is_here(name):
            self._workers[name].trigger(run)
        elif self._homes.is_elsewhere(name):
            self._start(name, run)

    def _take_up(self, names: Collection[str]) -> None:
        """Begin the runs that were left for whoever takes these connectors.

        What else is to run joins them: of two runs, the second would wait for as long as the first one retries. Those
        that were cancelled must not swallow it, and are seen to with the next look.
        """
        news = self._store.news()
        for request in news.requested:
            if request.run.id not in news.cancelled and request.connector in self._workers.keys() & names:
                self._workers[request.connector].trigger_requested(request)

    def _catch_up(self, name: str) -> None:
        """Do what fell due while the connector moved: nobody may have done it. To look once more does no harm."""
        due = self._due.pop(name, None)
        if due is not None and self._clock.monotonic() - due <= self._handover.total_seconds():
            self._workers[name].trigger_on_log(_new_run(RunTrigger.SCHEDULE))

    def _go_on_unless_held(self, worker: ConnectorWorker, held: Collection[str]) -> None:
        """Whoever released a connector may not know it as well as the replica that processes it.

        Only the second look in a row counts: between the two whoever released it starts what is to follow.
        """
        if worker.held is None or worker.name in held or not self._is_here(worker.name):
            self._seen_free.discard(worker.name)
        elif worker.name not in self._seen_free:
            self._seen_free.add(worker.name)
        else:
            self._seen_free.discard(worker.name)
            worker.forget_hold()
            worker.trigger_on_log(_new_run(RunTrigger.RESUME, called_only=worker.name not in self._on_log))

    def _is_here(self, name: str) -> bool:
        return name in self._workers and self._homes.is_here(name)


_REFUSALS = {
    ConnectorState.HALTED: NotifyOutcome.REFUSED_HALTED,
    ConnectorState.PAUSED: NotifyOutcome.REFUSED_PAUSED,
    ConnectorState.UNHEALTHY: NotifyOutcome.REFUSED_UNHEALTHY,
    ConnectorState.DISABLED: NotifyOutcome.REFUSED_DISABLED,
}


def _new_run(trigger: RunTrigger, requested_by: str = "", reason: str = "", *, called_only: bool = False) -> NewRun:
    return NewRun(id=new_id(), trigger=trigger, requested_by=requested_by, reason=reason, called_only=called_only)
