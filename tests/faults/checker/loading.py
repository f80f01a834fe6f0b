"""Reading the evidence: two files of JSON lines, and a database of either kind."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from faults.checker.evidence import (
    Applied,
    Attempt,
    Call,
    ConnectorRow,
    Effect,
    Entry,
    Event,
    Evidence,
    Receipt,
    TaskRow,
    Watched,
)
from faults.checker.states import NAMES
from sqlalchemy import Connection, create_engine, inspect, make_url, text

__all__ = ["load"]


def load(database_url: str, history: Path | None = None, watches: Path | None = None) -> Evidence:
    """Read everything. No server may work on the database meanwhile; a file that is None has no lines."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return _read(connection, list(_calls(history)), list(_watched(watches)))
    finally:
        engine.dispose()


def _read(connection: Connection, calls: list[Call], watched: list[Watched]) -> Evidence:
    has_registers = {"fault_effect", "fault_register"} <= set(inspect(connection).get_table_names())
    return Evidence(
        calls=calls,
        watched=watched,
        connectors=[_connector(row) for row in _rows(connection, _CONNECTORS)],
        tasks=[_task(row) for row in _rows(connection, f"SELECT {_TASK_COLUMNS} FROM task ORDER BY 1, 2")],  # noqa: S608
        events=[Event(**row) for row in _rows(connection, _select("task_event", Event, "1, 2"))],
        attempts=[Attempt(**row) for row in _rows(connection, _select("task_attempt", Attempt, "1, 2, 3"))],
        applied=[Applied(**row) for row in _rows(connection, _select("applied", Applied, "1, 3"))],
        effects=[Effect(**row) for row in _rows(connection, _EFFECTS)] if has_registers else None,
        registers={row["name"]: row["value"] for row in _rows(connection, _REGISTERS)} if has_registers else {},
    )


_TASK_COLUMNS = (
    "connector_id, sequence, id, title, creator, process_type, payload, task_type, state, attempt_count, epoch, "
    "position, error"
)
_EFFECTS = "SELECT owner, operation, name, value FROM fault_effect ORDER BY effect_id"
_REGISTERS = "SELECT name, value FROM fault_register"
_CONNECTORS = (
    "SELECT c.id, c.name, c.halted_sequence, l.epoch, h.* FROM connector c "
    "JOIN connector_head h ON h.connector_id = c.id LEFT JOIN lease l ON l.connector_id = c.id ORDER BY c.id"
)


def _select(table: str, row: type[Any], order: str) -> str:
    """A statement for the columns that a class has fields for."""
    columns = ", ".join(field.name for field in fields(row))
    return f"SELECT {columns} FROM {table} ORDER BY {order}"  # noqa: S608 - all of it is from here


def _rows(connection: Connection, statement: str) -> Iterator[dict[str, Any]]:
    for row in connection.execute(text(statement)).mappings():
        yield dict(row)


def _task(row: Mapping[str, Any]) -> TaskRow:
    payload = bytes(row["payload"])
    return TaskRow(**{**row, "payload": payload, "digest": hashlib.sha256(payload).hexdigest()})


def _connector(row: Mapping[str, Any]) -> ConnectorRow:
    return ConnectorRow(
        id=row["id"],
        name=row["name"],
        halted_sequence=row["halted_sequence"],
        last_sequence=row["last_sequence"],
        last_position=row["last_position"],
        feed_floor=row["feed_floor"],
        counts={state: row[name.lower()] for state, name in NAMES.items()},
        epoch=row["epoch"] or 0,
    )


def _calls(path: Path | None) -> Iterator[Call]:
    for line in _lines(path):
        entries = [Entry(**entry) for entry in line.pop("entries")]
        receipts = [Receipt(**receipt) for receipt in line.pop("receipts", ())]
        yield Call(**line, entries=entries, receipts=receipts)


def _watched(path: Path | None) -> Iterator[Watched]:
    for line in _lines(path):
        yield Watched(**line)


def _lines(path: Path | None) -> Iterator[dict[str, Any]]:
    """The lines of a file; one without an end was being written when its writer died, and is left out."""
    if path is None or not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)
