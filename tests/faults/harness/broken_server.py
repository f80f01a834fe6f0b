"""The server with something broken in it on purpose: the checker must find out, or it proves nothing.

``python -m faults.harness.broken_server serve`` is ``integrationbus serve`` after what IB_BROKEN names was broken. What
is broken is here and not in the server, where nobody can switch it on by mistake.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from faults.harness.registers import LeftConnector, RegisterInfo
from sqlalchemy import Connection, delete

from integrationbus.server import app, cli
from integrationbus.server.clock import SystemClock, to_micros
from integrationbus.server.connector import Lease
from integrationbus.server.feed.audience import Audience
from integrationbus.server.log_entries import LogEntry, LogReceipt, NotStored
from integrationbus.server.processing import batch_size
from integrationbus.server.replicas import trust
from integrationbus.server.storage import appending, claiming, database, journal, leases, schema, settling
from integrationbus.server.storage.attempts import record_attempts
from integrationbus.server.storage.driver import Row
from integrationbus.server.storage.sql_store import SqlStore
from integrationbus.server.task_events import TaskEvent

__all__ = ["BREAKS", "BROKEN", "CLOCK", "HELD", "MODULE"]

MODULE = "faults.harness.broken_server"
BROKEN = "IB_BROKEN"
CLOCK = "IB_CLOCK"
"""A file with the number of seconds by which the clock is wrong."""
HELD = "IB_HELD"
"""A file that is there since a server's interpreter was held, with the number of its process."""

_TASKS_BEFORE = 20
_attempt = schema.task_attempt


def without_fence() -> None:
    """A holder that was taken over can go on writing.

    It does not look at its clock either, and writes over the attempts that the next holder has put on record for it.
    """

    def record_over(connection: Connection, rows: Sequence[Row]) -> None:
        for connector_id, sequence, number, *_ in rows:
            connection.execute(
                delete(_attempt).where(
                    _attempt.c.connector_id == connector_id,
                    _attempt.c.sequence == sequence,
                    _attempt.c.number == number,
                )
            )
        record_attempts(connection, rows)

    def check(_connection: Connection, _lease: Lease, _now: int, _duration: int) -> None:
        return

    _put(leases, "check_fence", check)
    _put(claiming, "check_fence", check)
    _put(settling, "record_attempts", record_over)
    _put(trust.Window, "holds", lambda _window, _connector_id: True)


def with_small_claims() -> None:
    """Tasks are claimed one by one: of a larger claim a later holder moves some, which gives the earlier one away."""
    _put(batch_size, "_LARGEST", 1)


def with_lazy_syncs() -> None:
    """A commit is acknowledged before it is on the disk."""
    pragmas: tuple[str, ...] = vars(database)["_PRAGMAS"]
    assert "synchronous = FULL" in pragmas
    _put(database, "_PRAGMAS", [pragma.replace("= FULL", "= NORMAL") for pragma in pragmas])


def with_early_answers() -> None:
    """Callers get their answer at once, and what they logged is stored when the next call comes."""
    store_now = SqlStore.append
    left: list[Sequence[LogEntry]] = []

    def append(store: SqlStore, entries: Sequence[LogEntry]) -> Sequence[LogReceipt | NotStored]:
        while left:
            store_now(store, left.pop())
        inside = vars(store)
        with inside["_database"].write() as connection:
            now = to_micros(inside["_clock"].now())
            answers = appending.append_entries(connection, entries, inside["_connector_ids"], now)
            connection.rollback()
        left.append(entries)
        return answers

    _put(SqlStore, "append", append)


def with_holes_in_the_feed() -> None:
    """Positions are taken and not used."""
    advance = journal.advance_head

    def advance_too_far(connection: Connection, connector_id: int, *, positions: int, **others: Any) -> tuple[int, int]:
        return advance(connection, connector_id, positions=positions + 1, **others)

    _put(journal, "advance_head", advance_too_far)
    _put(appending, "advance_head", advance_too_far)


def with_a_wrong_cursor() -> None:
    """Of several changes that are handed out at once, the first counts as seen already."""
    give = Audience.give

    def give_too_late(audience: Audience, events: Sequence[TaskEvent]) -> None:
        give(audience, events[1:] or events)

    _put(Audience, "give", give_too_late)


def with_a_jumping_clock() -> None:
    """The clock is wrong by what the file says."""
    path = Path(os.environ[CLOCK])

    class JumpingClock(SystemClock):
        """The clock of the machine, moved."""

        def now(self) -> datetime:
            """The wall-clock time, aware, UTC."""
            return super().now() + timedelta(seconds=float(path.read_text(encoding="ascii") or 0))

    _put(app, "SystemClock", JumpingClock)


def with_a_held_interpreter() -> None:
    """A connector comes to a regular expression without an end, once: no other thread gets a turn any more."""
    prepare = LeftConnector.prepare_internal_object
    tasks = count(1)
    held = Path(os.environ[HELD])

    def prepare_or_hold(connector: LeftConnector, *arguments: Any) -> RegisterInfo:
        if next(tasks) == _TASKS_BEFORE and not held.exists():
            written = held.with_suffix(".new")
            written.write_text(str(os.getpid()), encoding="ascii")
            written.rename(held)
            re.match("(a|a)*b", "a" * 100)
        return prepare(connector, *arguments)

    _put(LeftConnector, "prepare_internal_object", prepare_or_hold)


def _put(owner: object, name: str, value: object) -> None:
    """Put something in the place of what is there."""
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, value)


BREAKS: Mapping[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        without_fence,
        with_small_claims,
        with_lazy_syncs,
        with_early_answers,
        with_holes_in_the_feed,
        with_a_wrong_cursor,
        with_a_jumping_clock,
        with_a_held_interpreter,
    )
}

if __name__ == "__main__":
    for name in os.environ[BROKEN].split(","):
        BREAKS[name]()
    cli.main()
