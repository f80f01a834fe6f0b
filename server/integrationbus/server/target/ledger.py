"""The ledger of a target that is a database of its own: who may write, and what was done for which task."""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from integrationbus.server.connector import Lease
from integrationbus.server.effects import Finished
from integrationbus.server.errors import LeaseLost
from integrationbus.server.object_names import ObjectName
from integrationbus.server.storage.database import Database
from integrationbus.server.storage.silent_copies import end_silent_copies
from integrationbus.server.target.own_tables import bus_applied, bus_holder
from integrationbus.server.task import Task, TaskEffect, TaskResult, TouchedObject

__all__ = ["SqlLedger"]

_AT_A_TIME = 500  # databases limit the values in a statement


class SqlTargetTransaction:
    """See ``TargetTransaction``."""

    def __init__(self, connection: Connection, lease: Lease | None) -> None:
        self.handle = connection
        self._lease = lease

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """See ``TargetTransaction.savepoint``."""
        with self.handle.begin_nested():
            yield

    def keep(self, results: Sequence[tuple[Task, TaskResult]], names: Collection[ObjectName]) -> None:
        """See ``TargetTransaction.keep``."""
        assert self._lease, "nothing is kept of a trial"
        if not results:
            return
        rows = [
            {
                "connector_id": self._lease.connector_id,
                "sequence": task.sequence,
                "task_id": task.id,
                "epoch": self._lease.epoch,
                "result": _result_to_text(result),
                "names": "[]",
            }
            for task, result in results
        ]
        rows[0]["names"] = json.dumps(sorted(names))
        try:
            self.handle.execute(insert(bus_applied), rows)
        except IntegrityError as error:
            raise LeaseLost(f"connector {self._lease.connector}: a task of the batch was applied before") from error


class SqlLedger:
    """For the contract see ``TargetLedger``. Its tables were made by ``prepare_own_tables``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled: dict[int, Collection[int]] = {}

    def take(self, lease: Lease) -> Finished:
        """See ``TargetLedger.take``. An earlier holder that is writing has the row of the connector until it ends."""
        with self._database.write() as connection:
            end_silent_copies(connection)
            _make_known(connection, lease)
            _check_fence(connection, lease)
            rows = connection.execute(select(bus_applied).where(bus_applied.c.connector_id == lease.connector_id)).all()
        return Finished(
            results={row.task_id: _result_from_text(row.result) for row in rows},
            names={(object_type, name) for row in rows for object_type, name in json.loads(row.names)},
            sequences=[row.sequence for row in rows],
        )

    @contextmanager
    def writing(self, lease: Lease) -> Iterator[SqlTargetTransaction]:
        """See ``TargetLedger.writing``. The fence comes first: it keeps a later holder from reading too early."""
        with self._database.write() as connection:
            _check_fence(connection, lease)
            self._drop_settled(connection, lease.connector_id)
            yield SqlTargetTransaction(connection, lease)

    @contextmanager
    def trial(self) -> Iterator[SqlTargetTransaction]:
        """See ``TargetLedger.trial``."""
        with self._database.write() as connection:
            try:
                yield SqlTargetTransaction(connection, None)
            finally:
                connection.rollback()

    def settled(self, lease: Lease, sequences: Collection[int]) -> None:
        """See ``TargetLedger.settled``. What is forgotten here with the process is dropped by the next holder."""
        self._settled[lease.connector_id] = sequences

    def _drop_settled(self, connection: Connection, connector_id: int) -> None:
        sequences = sorted(self._settled.get(connector_id, ()))
        for start in range(0, len(sequences), _AT_A_TIME):
            part = sequences[start : start + _AT_A_TIME]
            connection.execute(
                delete(bus_applied).where(bus_applied.c.connector_id == connector_id, bus_applied.c.sequence.in_(part))
            )


def _make_known(connection: Connection, lease: Lease) -> None:
    """Make sure that the connector has a row to lock."""
    known = select(bus_holder.c.epoch).where(bus_holder.c.connector_id == lease.connector_id)
    if connection.execute(known).first() is not None:
        return
    try:
        connection.execute(insert(bus_holder).values(connector_id=lease.connector_id, epoch=lease.epoch))
    except IntegrityError as error:
        raise LeaseLost(f"connector {lease.connector}: two servers came for it, for the first time") from error


def _check_fence(connection: Connection, lease: Lease) -> None:
    """Raise LeaseLost when a later holder was here. None can come before this transaction ends."""
    holder = update(bus_holder).where(bus_holder.c.connector_id == lease.connector_id)
    ours = holder.where(bus_holder.c.epoch <= lease.epoch).values(epoch=lease.epoch)
    if connection.execute(ours).rowcount != 1:
        raise LeaseLost(f"connector {lease.connector}: epoch {lease.epoch} is over in the target")


def _result_to_text(result: TaskResult) -> str:
    touched = [(item.object_type, item.object_id, item.effect) for item in result.touched]
    return json.dumps([result.effect, result.object_type, result.object_id, result.notes, touched])


def _result_from_text(text: str) -> TaskResult:
    effect, object_type, object_id, notes, touched = json.loads(text)
    return TaskResult(
        effect=TaskEffect(effect),
        object_type=object_type,
        object_id=object_id,
        notes=tuple(notes),
        touched=tuple(TouchedObject(name, number, TaskEffect(effect)) for name, number, effect in touched),
    )
