"""Other task queues, measured as the bus is: each takes a record of the same size, and a consumer that does nothing.

Each module of this package that holds one has a function ``peers``, which is found by itself.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["Environment", "Peer", "peers"]


class Peer(Protocol):
    """A task queue. Methods begin with an empty queue, and leave no process behind, whatever ends them.

    ``name`` is for people, such as "procrastinate (PostgreSQL)". ``durable`` says whether what is acknowledged survives
    a power cut. ``remark`` says in one sentence what the figures do and do not include.
    """

    name: str
    durable: bool
    remark: str

    def one_by_one(self, tasks: int) -> float:
        """Tasks per second, each acknowledged before the next is logged."""
        ...

    def bulk(self, tasks: int) -> float | None:
        """Tasks per second by its own call for batches; None when it has none."""
        ...

    def drain(self, tasks: int) -> float:
        """Tasks per second that one consumer takes, in order, from a queue that was filled before."""
        ...

    def latency(self, per_second: int, tasks: int) -> list[float]:
        """Seconds from logging until it is done, of each of so many tasks that come at a steady rate."""
        ...


@dataclass(frozen=True)
class Environment:
    """What peers may use. ``postgres_url`` is that of a database of their own, empty when there is no PostgreSQL.

    ``folder`` is for their files. ``missing`` is filled by ``peers``: those that cannot run here, with the reason.
    """

    postgres_url: str
    folder: Path
    missing: dict[str, str] = field(default_factory=dict)


def peers(environment: Environment) -> Sequence[Peer]:
    """The peers that can run here; the others are in ``environment.missing`` then."""
    found: list[Peer] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        try:
            maker = getattr(importlib.import_module(f"{__name__}.{module.name}"), "peers", None)
        except ImportError as error:
            environment.missing[module.name] = f"{error}; install the dependency group bench"
            continue
        if maker is not None:
            found.extend(maker(environment))
    return found
