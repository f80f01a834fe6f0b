"""Storing logged tasks: many calls, one transaction."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, bindparam, literal, or_, select, union_all

from integrationbus.server.clock import from_micros
from integrationbus.server.log_entries import (
    LogEntry,
    LoggedTask,
    LogReceipt,
    NotStored,
    RequestKey,
    ReusedRequest,
    SwitchedOff,
)
from integrationbus.server.log_streams import MisplacedEntry
from integrationbus.server.storage import schema
from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.journal import advance_head
from integrationbus.server.storage.statement import Statement
from integrationbus.server.storage.streams import advance_stream
from integrationbus.server.switches import Switch
from integrationbus.server.task import NewTask, TaskState

__all__ = ["append_entries"]

_task, _event, _request = schema.task, schema.task_event, schema.request

# Empty stands for all logging.
_SWITCHED_OFF = Statement(
    union_all(
        select(schema.connector.c.name).where(schema.connector.c.enabled.is_(False)),
        select(literal("")).where(
            or_(schema.switch.c.id == Switch.BUS, schema.switch.c.id == Switch.LOGGING),
            schema.switch.c.is_on.is_(False),
        ),
    ),
)
_STORED_REQUESTS = select(_request).where(
    _request.c.creator == bindparam("of"), _request.c.request_id.in_(bindparam("ids", expanding=True))
)
_TASKS = Insertion(
    _task,
    (
        "connector_id",
        "sequence",
        "id",
        "task_type",
        "data_type",
        "process_type",
        "object_type",
        "external_id",
        "site",
        "labels",
        "title",
        "creator",
        "trace_parent",
        "payload_form",
        "payload_type",
        "payload_schema",
        "payload",
        "missing_key",
        "wait_limit",
        "logged_at",
        "position",
    ),
    {"state": int(TaskState.PENDING), "in_line": True},
)
_EVENTS = Insertion(
    _event,
    ("connector_id", "position", "sequence", "actor", "occurred_at"),
    {"state": int(TaskState.PENDING), "attempt": 0, "run_id": ""},
)
_REQUESTS = Insertion(_request, ("creator", "request_id", "body_digest", "receipt", "stored_at"))

_Key = tuple[str, str]
_Stored = Mapping[_Key, tuple[bytes, Sequence[LoggedTask]]]


def append_entries(
    connection: Connection, entries: Sequence[LogEntry], connector_ids: Mapping[str, int], now: int
) -> list[LogReceipt | NotStored]:
    """Store the tasks of all entries; see ``Store.append``. ``now`` is in microseconds."""
    known = dict(_stored_requests(connection, [entry.request for entry in entries if entry.request]))
    refused: dict[int, NotStored] = {**_switched_off(connection, entries, known)}
    # A stream does not move on over an entry that is not stored.
    refused |= _misplaced(connection, [entry for entry in entries if id(entry) not in refused], now)
    accepted: list[LogEntry] = []
    first_use: dict[_Key, LogEntry] = {}
    for entry in entries:
        key = _key_of(entry)
        if id(entry) in refused or key in known or key in first_use:
            continue
        accepted.append(entry)
        if key:
            first_use[key] = entry
    logged = _insert_tasks(connection, [task for entry in accepted for task in entry.tasks], connector_ids, now)
    moment = from_micros(now)
    receipts = {
        id(entry): LogReceipt(tasks=[logged[task.id] for task in entry.tasks], stored_at=moment) for entry in accepted
    }
    _insert_requests(connection, [(entry.request, receipts[id(entry)]) for entry in accepted if entry.request], now)
    for key, entry in first_use.items():
        assert entry.request
        known[key] = (entry.request.body_digest, receipts[id(entry)].tasks)
    return [receipts.get(id(entry)) or refused.get(id(entry)) or _repeated(entry.request, known) for entry in entries]


def _key_of(entry: LogEntry) -> _Key | None:
    return (entry.request.creator, entry.request.request_id) if entry.request else None


def _switched_off(connection: Connection, entries: Sequence[LogEntry], known: _Stored) -> dict[int, SwitchedOff]:
    """The entries that are not taken, because their connector or all logging is off, by identity.

    What was stored before keeps its receipt.
    """
    off = {name for (name,) in _SWITCHED_OFF.rows(connection, {})}
    refused: dict[int, SwitchedOff] = {}
    for entry in entries if off else ():
        name = next((name for name in ("", *(task.connector for task in entry.tasks)) if name in off), None)
        if name is not None and _key_of(entry) not in known:
            refused[id(entry)] = SwitchedOff(connector=name)
    return refused


def _misplaced(connection: Connection, entries: Sequence[LogEntry], now: int) -> dict[int, MisplacedEntry]:
    """Move the streams on; the entries that must not be stored, by identity.

    Streams are taken in the order of their names, so that two writers cannot deadlock, and each in its own order.
    """
    placed = [(entry, entry.place) for entry in entries if entry.place]
    placed.sort(key=lambda item: (item[1].creator, item[1].stream_id))
    return {
        id(entry): MisplacedEntry(stream_id=place.stream_id)
        for entry, place in placed
        if not advance_stream(connection, place, now)
    }


def _repeated(request: RequestKey | None, known: _Stored) -> LogReceipt | ReusedRequest:
    assert request, "only an entry with a request can be a repetition"
    digest, tasks = known[request.creator, request.request_id]
    if digest != request.body_digest:
        return ReusedRequest(request_id=request.request_id)
    return LogReceipt(tasks=tasks)


def _stored_requests(
    connection: Connection, requests: Sequence[RequestKey]
) -> list[tuple[_Key, tuple[bytes, Sequence[LoggedTask]]]]:
    by_creator: dict[str, list[str]] = defaultdict(list)
    for request in requests:
        by_creator[request.creator].append(request.request_id)
    rows = [
        row
        for creator, ids in by_creator.items()
        for row in connection.execute(_STORED_REQUESTS, {"of": creator, "ids": ids})
    ]
    return [((row.creator, row.request_id), (row.body_digest, _receipt_from_text(row.receipt))) for row in rows]


def _insert_tasks(
    connection: Connection, tasks: Sequence[NewTask], connector_ids: Mapping[str, int], now: int
) -> dict[str, LoggedTask]:
    """The stored tasks by id. Connectors are taken in the order of their ids, so that two writers cannot deadlock."""
    by_connector: dict[int, list[NewTask]] = defaultdict(list)
    for task in tasks:
        by_connector[connector_ids[task.connector]].append(task)
    rows: list[Row] = []
    events: list[Row] = []
    logged: dict[str, LoggedTask] = {}
    for connector_id, group in sorted(by_connector.items()):
        count = len(group)
        newest_position, newest_sequence = advance_head(
            connection, connector_id, positions=count, sequences=count, deltas={TaskState.PENDING: count}
        )
        for index, task in enumerate(group):
            sequence, position = newest_sequence - count + 1 + index, newest_position - count + 1 + index
            rows.append(_task_row(task, connector_id, sequence, position, now))
            events.append((connector_id, position, sequence, task.creator, now))
            logged[task.id] = LoggedTask(id=task.id, connector=task.connector, sequence=sequence, position=position)
    _TASKS.run(connection, rows)
    _EVENTS.run(connection, events)
    return logged


def _task_row(task: NewTask, connector_id: int, sequence: int, position: int, now: int) -> Row:
    payload = task.payload
    return (
        connector_id,
        sequence,
        task.id,
        int(task.task_type),
        int(task.data_type),
        int(task.process_type),
        task.object_type,
        task.external_id,
        task.site,
        json.dumps(dict(task.labels)) if task.labels else None,
        task.given_title,
        task.creator,
        task.trace_parent,
        int(payload.form),
        payload.type_name,
        payload.schema,
        payload.data,
        None if task.missing_key is None else int(task.missing_key),
        None if task.wait_limit is None else task.wait_limit // timedelta(microseconds=1),
        now,
        position,
    )


def _insert_requests(connection: Connection, stored: Sequence[tuple[RequestKey, LogReceipt]], now: int) -> None:
    rows = [
        (request.creator, request.request_id, request.body_digest, _receipt_to_text(receipt.tasks), now)
        for request, receipt in stored
    ]
    _REQUESTS.run(connection, rows)


def _receipt_to_text(tasks: Sequence[LoggedTask]) -> str:
    return json.dumps([(task.id, task.connector, task.sequence, task.position) for task in tasks])


def _receipt_from_text(text: str) -> list[LoggedTask]:
    return [
        LoggedTask(id=task_id, connector=connector, sequence=sequence, position=position)
        for task_id, connector, sequence, position in json.loads(text)
    ]
