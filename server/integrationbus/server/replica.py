"""Replicas: the processes that share one database, and which of them processes which connector."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import blake2b

from integrationbus.server.claims import NewRun

__all__ = ["News", "Replica", "RequestedRun", "Roll", "Signal", "homes_of"]


class Signal(Enum):
    """What one replica hints at to the others: tasks or connectors changed, or a connector or replica moved."""

    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A process that works on the database. ``connectors`` are the names of those that it can run."""

    id: str
    connectors: frozenset[str]
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """Who is there, by the database's own clock.

    ``holders`` has the id of the replica that holds a connector, for those that are held. ``renewed`` are the ids of
    the connectors whose lease was prolonged for the replica that asked.
    """

    replicas: Sequence[Replica]
    holders: Mapping[str, str]
    renewed: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedRun:
    """A run that some replica was asked for, left for the one that processes the connector.

    ``number`` grows with each request that joins the run.
    """

    connector: str
    run: NewRun
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """How far each connector has come, by its id, and what replicas left for one another.

    ``called`` are the names of connectors with tasks that are called out of turn, ``held`` those of connectors that
    somebody paused or switched off, ``halted`` those of connectors that a task holds; ``cancelled`` are the ids of runs
    that are to end.
    """

    sequences: Mapping[int, int]
    positions: Mapping[int, int]
    called: Sequence[str]
    requested: Sequence[RequestedRun]
    cancelled: Sequence[str]
    held: Sequence[str]
    halted: Sequence[str]


def homes_of(replicas: Sequence[Replica]) -> Mapping[str, str]:
    """Which replica is to process which connector: ids by names, for all that one of them can run.

    Each replica comes to the same answer by itself. Nobody gets more than an equal share, as far as the others can run
    the rest; within it the highest weight decides, so that few connectors move when a replica comes or goes (rendezvous
    hashing with bounded loads).
    """
    names = sorted(frozenset().union(*(replica.connectors for replica in replicas)))
    share = -(-len(names) // max(1, len(replicas)))
    loads: Counter[str] = Counter()
    homes: dict[str, str] = {}
    for name in names:
        able = [replica.id for replica in replicas if name in replica.connectors]
        free = [each for each in able if loads[each] < share]
        homes[name] = max(free or able, key=lambda each: _weight(each, name))
        loads[homes[name]] += 1
    return homes


def _weight(replica_id: str, connector: str) -> bytes:
    return blake2b(f"{replica_id}\0{connector}".encode(), digest_size=8).digest()
