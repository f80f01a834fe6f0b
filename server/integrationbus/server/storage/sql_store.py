"""The store: each method of the port is one transaction around a function of this package."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from integrationbus.server.claims import Claim, ClaimRequest, NewRun, Settled, Settlement
from integrationbus.server.clock import Clock, to_micros
from integrationbus.server.connector import ConnectorRecord, HeadAction, Lease
from integrationbus.server.effects import Finished, Taken
from integrationbus.server.failpoints import reach
from integrationbus.server.log_entries import LogEntry, LogReceipt, NotStored
from integrationbus.server.log_streams import StreamStanding
from integrationbus.server.object_names import ObjectName
from integrationbus.server.replica import News, Replica, RequestedRun, Roll
from integrationbus.server.retention import Purged, Retention
from integrationbus.server.run import NotifyOutcome, Run, RunState
from integrationbus.server.storage import (
    claiming,
    connectors,
    halting,
    leases,
    operating,
    purging,
    reading,
    replicas,
    run_requests,
    runs,
    schema,
    settling,
    streams,
    taking_over,
    waiting,
)
from integrationbus.server.storage.appending import append_entries
from integrationbus.server.storage.connector_rows import record_from_row, records_select
from integrationbus.server.storage.database import Database
from integrationbus.server.storage.journal import ChangeNote
from integrationbus.server.storage.transactions import repeated
from integrationbus.server.switches import Switch, SwitchState
from integrationbus.server.task import Task, TaskAction, TaskActionKind, TaskAttempt
from integrationbus.server.task_events import EventPage
from integrationbus.server.task_queries import ActionPage, TaskPage, TaskQuery

__all__ = ["LEASE", "SqlStore"]

LEASE = timedelta(seconds=15)
"""How long a replica that is no longer heard of keeps its connectors, unless told otherwise."""

_T = TypeVar("_T")


class SqlRehearsing:
    """See ``Rehearsing``."""

    def __init__(self, connection: Connection, connector_id: int) -> None:
        self.handle = connection
        self._connector_id = connector_id

    def held(self, names: Iterable[ObjectName]) -> Mapping[ObjectName, Mapping[int, str]]:
        """See ``Rehearsing.held``."""
        return waiting.held_by_waiting(self.handle, self._connector_id, names)


class SqlSettlingTransaction(SqlRehearsing):
    """See ``SettlingTransaction``."""

    def __init__(self, connection: Connection, lease: Lease, run_id: str, now: int) -> None:
        super().__init__(connection, lease.connector_id)
        self._lease = lease
        self._note = ChangeNote(occurred_at=now, run_id=run_id)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """See ``SettlingTransaction.savepoint``."""
        with self.handle.begin_nested():
            yield

    def keep(self, settlements: Sequence[Settlement], names: Callable[[], Collection[ObjectName]]) -> None:
        """See ``SettlingTransaction.keep``: what was written is committed with what is settled."""

    def before_waiting(self) -> bool:
        """See ``SettlingTransaction.before_waiting``."""
        return waiting.close_gate(self.handle, self._lease.connector_id)

    def anybody_waits(self) -> bool:
        """See ``SettlingTransaction.anybody_waits``."""
        return waiting.anybody_waits(self.handle)

    def settle(self, settlements: Sequence[Settlement], appeared: Collection[ObjectName]) -> Settled:
        """See ``SettlingTransaction.settle``."""
        return settling.settle(self.handle, self._lease, settlements, appeared, self._note)


class SqlStore:
    """The store on a SQL database whose schema is up to date. For the contract see ``Store``."""

    def __init__(self, database: Database, clock: Clock, lease: timedelta = LEASE) -> None:
        self._database = database
        self._clock = clock
        self._lease_micros = lease // timedelta(microseconds=1)
        self.logged = 0
        with database.read() as connection:
            self.store_id: str = connection.execute(select(schema.store_meta.c.store_id)).scalar_one()
        self._connector_ids: dict[str, int] = {item.name: item.id for item in self.connectors()}

    @property
    def database_kind(self) -> str:
        """Either "sqlite" or "postgresql"."""
        return self._database.kind

    def append(self, entries: Sequence[LogEntry]) -> Sequence[LogReceipt | NotStored]:
        """See ``Store.append``."""
        try:
            answers = self._again(lambda connection: self._append(connection, entries))
        except IntegrityError:
            # Another process stored a request with the same id at the same time; now it can be seen.
            answers = self._again(lambda connection: self._append(connection, entries))
        self.logged += sum(len(entry.tasks) for entry in entries)
        reach("append.after_commit")
        return answers

    def stream_standing(self, creator: str, stream_id: str) -> StreamStanding:
        """See ``Store.stream_standing``."""
        with self._database.read() as connection:
            return streams.read_stream(connection, creator, stream_id)

    def register_connectors(self, class_paths: Mapping[str, str]) -> None:
        """See ``Store.register_connectors``."""
        self._again(lambda connection: connectors.register(connection, class_paths, self._now()))
        self._connector_ids = {item.name: item.id for item in self.connectors()}

    def connectors(self) -> Sequence[ConnectorRecord]:
        """See ``Store.connectors``."""
        with self._database.read() as connection:
            return [record_from_row(row) for row in connection.execute(records_select())]

    def connector(self, name: str) -> ConnectorRecord:
        """See ``Store.connector``."""
        with self._database.read() as connection:
            return connectors.find(connection, name)

    def set_paused(self, name: str, *, paused: bool, actor: str, reason: str) -> None:
        """See ``Store.set_paused``."""
        self._again(
            lambda connection: connectors.set_paused(connection, name, paused=paused, actor=actor, reason=reason)
        )

    def set_enabled(self, name: str, *, enabled: bool, actor: str, reason: str) -> None:
        """See ``Store.set_enabled``."""
        self._again(
            lambda connection: connectors.set_enabled(connection, name, enabled=enabled, actor=actor, reason=reason)
        )

    def switches(self) -> Sequence[SwitchState]:
        """See ``Store.switches``."""
        with self._database.read() as connection:
            return connectors.list_switches(connection)

    def set_switch(self, switch: Switch, *, on: bool, actor: str, reason: str) -> SwitchState:
        """See ``Store.set_switch``."""
        return self._again(
            lambda connection: connectors.set_switch(
                connection, switch, on=on, actor=actor, reason=reason, now=self._now()
            )
        )

    def act_on(
        self,
        action: TaskActionKind,
        selection: TaskQuery,
        *,
        after: tuple[int, int] | None,
        limit: int,
        etag: str,
        actor: str,
        reason: str,
        rehearse: bool,
    ) -> ActionPage:
        """See ``Store.act_on``."""
        note = ChangeNote(occurred_at=self._now(), actor=actor, reason=reason)
        return self._again(
            lambda connection: operating.act_on(
                connection, action, selection, note, after=after, limit=limit, etag=etag, rehearse=rehearse
            )
        )

    def attempts(self, task_id: str) -> tuple[Sequence[TaskAttempt], Sequence[TaskAction]]:
        """See ``Store.attempts``."""
        with self._database.read() as connection:
            return operating.list_history(connection, task_id)

    @contextmanager
    def rehearsal(self, connector_id: int) -> Iterator[SqlRehearsing]:
        """See ``Store.rehearsal``."""
        with self._database.write() as connection:
            try:
                yield SqlRehearsing(connection, connector_id)
            finally:
                connection.rollback()

    def called(self) -> Sequence[str]:
        """See ``Store.called``."""
        with self._database.read() as connection:
            return operating.connectors_with_called(connection)

    def clear_halt(self, name: str, action: HeadAction, *, actor: str, reason: str) -> bool:
        """See ``Store.clear_halt``."""
        note = ChangeNote(occurred_at=self._now(), actor=actor, reason=reason)
        return self._again(lambda connection: halting.clear_halt(connection, name, action, note))

    def oldest_waiting(self, connector_id: int) -> datetime | None:
        """See ``Store.oldest_waiting``."""
        with self._database.read() as connection:
            return reading.oldest_waiting(connection, connector_id)

    def acquire_lease(
        self, connector: str, owner: str, run_id: str, *, crashed: bool = True, recover: bool = True
    ) -> Lease:
        """See ``Store.acquire_lease``."""
        with self._database.write() as connection:
            lease = leases.acquire(
                connection,
                connector_id=self._connector_ids[connector],
                connector=connector,
                owner=owner,
                run_id=run_id,
                crashed=crashed,
                recovers=recover,
                now=self._now(),
                duration=self._lease_micros,
            )
            reach("lease.before_commit")
        reach("lease.after_commit")
        return lease

    def take_over(self, lease: Lease, run_id: str, finished: Finished, *, crashed: bool) -> Taken:
        """See ``Store.take_over``."""
        with self._database.write() as connection:
            return taking_over.take_over(
                connection,
                lease,
                run_id,
                finished,
                crashed=crashed,
                now=self._now(),
                duration=self._lease_micros,
            )

    def release_lease(self, connector: str, owner: str) -> None:
        """See ``Store.release_lease``."""
        with self._database.write() as connection:
            leases.release(connection, self._connector_ids[connector], owner)

    def abandoned(self) -> Sequence[str]:
        """See ``Store.abandoned``."""
        with self._database.read() as connection:
            return runs.connectors_with_open_runs(connection)

    def begin_run(self, connector_id: int, run: NewRun) -> Run:
        """See ``Store.begin_run``."""
        return self._again(lambda connection: runs.begin_run(connection, connector_id, run, self._now()))

    def note_cancellation(self, run_id: str, *, actor: str, reason: str) -> None:
        """See ``Store.note_cancellation``."""
        self._again(lambda connection: runs.note_cancellation(connection, run_id, actor=actor, reason=reason))

    def end_run(self, run_id: str, state: RunState, *, seen: int = 0, lost: bool = False) -> RequestedRun | None:
        """See ``Store.end_run``."""
        return self._again(
            lambda connection: run_requests.end_unless_requested(
                connection, run_id, state, seen, self._now(), lost=lost
            )
        )

    def next_deadline(self, connector_id: int) -> datetime | None:
        """See ``Store.next_deadline``."""
        with self._database.read() as connection:
            return waiting.next_deadline(connection, connector_id)

    def claim(self, lease: Lease, request: ClaimRequest) -> Claim:
        """See ``Store.claim``."""
        claim = self._again(lambda connection: self._claim(connection, lease, request))
        if claim.tasks:
            reach("claim.after_commit")
        return claim

    @contextmanager
    def settling(self, lease: Lease, run_id: str) -> Iterator[SqlSettlingTransaction]:
        """See ``Store.settling``. The fence comes last, so that a takeover never waits for slow target statements."""
        with self._database.write() as connection:
            yield SqlSettlingTransaction(connection, lease, run_id, self._now())
            reach("settle.before_fence")
            leases.check_fence(connection, lease, self._now(), self._lease_micros)
            reach("settle.before_commit")
        reach("settle.after_commit")

    def attend(self, replica: Replica) -> Roll:
        """See ``Store.attend``."""
        with self._database.write() as connection:
            return replicas.attend(connection, replica, self._now(), self._lease_micros)

    def roll(self) -> Roll:
        """See ``Store.roll``."""
        with self._database.read() as connection:
            return replicas.read_roll(connection, self._now())

    def leave(self, replica_id: str) -> None:
        """See ``Store.leave``."""
        with self._database.write() as connection:
            replicas.leave(connection, replica_id)

    def leave_request(self, connector_id: int, run: NewRun) -> tuple[NotifyOutcome, Run]:
        """See ``Store.leave_request``."""
        with self._database.write() as connection:
            return run_requests.leave_request(connection, connector_id, run, self._now())

    def news(self) -> News:
        """See ``Store.news``."""
        with self._database.read() as connection:
            return replicas.read_news(connection)

    def purge_connector(self, connector_id: int, retention: Retention, *, limit: int) -> Purged:
        """See ``Store.purge_connector``."""
        with self._database.write() as connection:
            return purging.purge_connector(connection, connector_id, retention, self._now(), limit)

    def purge_records(self, retention: Retention, *, limit: int) -> Purged:
        """See ``Store.purge_records``."""
        with self._database.write() as connection:
            return purging.purge_records(connection, retention, self._now(), limit)

    def task(self, task_id: str, *, with_payload: bool) -> Task:
        """See ``Store.task``."""
        with self._database.read() as connection:
            return reading.read_task(connection, task_id, with_payload=with_payload)

    def tasks(
        self, query: TaskQuery, *, after: tuple[int, int] | None, limit: int, with_payload: bool, newest_first: bool
    ) -> TaskPage:
        """See ``Store.tasks``."""
        with self._database.read() as connection:
            return reading.list_tasks(
                connection, query, after=after, limit=limit, with_payload=with_payload, newest_first=newest_first
            )

    def events(self, connector_id: int, *, after_position: int, limit: int) -> EventPage:
        """See ``Store.events``."""
        with self._database.read() as connection:
            return reading.read_events(connection, connector_id, after_position=after_position, limit=limit)

    def run(self, run_id: str) -> Run:
        """See ``Store.run``."""
        with self._database.read() as connection:
            return reading.read_run(connection, run_id)

    def runs(self, connector_id: int | None, *, before: str | None, limit: int) -> Sequence[Run]:
        """See ``Store.runs``."""
        with self._database.read() as connection:
            return reading.read_runs(connection, connector_id, before=before, limit=limit)

    def close(self) -> None:
        """See ``Store.close``."""
        self._database.close()

    def _append(self, connection: Connection, entries: Sequence[LogEntry]) -> Sequence[LogReceipt | NotStored]:
        answers = append_entries(connection, entries, self._connector_ids, self._now())
        reach("append.before_commit")
        return answers

    def _claim(self, connection: Connection, lease: Lease, request: ClaimRequest) -> Claim:
        claim = claiming.claim(connection, lease, request, self._now(), self._lease_micros)
        if claim.tasks:
            reach("claim.before_commit")
        return claim

    def _again(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction, once more when it got into conflict; not for what runs the code of connectors."""
        return repeated(self._database.write, work)

    def _now(self) -> int:
        return to_micros(self._clock.now())
