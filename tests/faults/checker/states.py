"""The states of a task as the documentation has them, on purpose apart from the server's own table."""

from collections.abc import Mapping
from typing import Final

__all__ = [
    "DELETED",
    "FAILED",
    "FOLLOWING",
    "NAMES",
    "OPEN_STATES",
    "PENDING",
    "RETRY_WAIT",
    "RUNNING",
    "SKIPPED",
    "SUCCEEDED",
    "WAITING",
]

PENDING: Final = 1
RUNNING: Final = 2
RETRY_WAIT: Final = 3
SUCCEEDED: Final = 4
FAILED: Final = 5
SKIPPED: Final = 6
DELETED: Final = 7
WAITING: Final = 8

NAMES: Final[Mapping[int, str]] = {
    PENDING: "PENDING",
    RUNNING: "RUNNING",
    RETRY_WAIT: "RETRY_WAIT",
    SUCCEEDED: "SUCCEEDED",
    FAILED: "FAILED",
    SKIPPED: "SKIPPED",
    DELETED: "DELETED",
    WAITING: "WAITING",
}

OPEN_STATES: Final = frozenset({PENDING, RUNNING, RETRY_WAIT})
"""What a bus that has nothing left to do has no task in."""

_BACK: Final = frozenset({SKIPPED, DELETED, PENDING})

FOLLOWING: Final[Mapping[int | None, frozenset[int]]] = {
    None: frozenset({PENDING}),
    PENDING: _BACK | {RUNNING},
    RUNNING: frozenset({SUCCEEDED, FAILED, RETRY_WAIT, DELETED, PENDING, WAITING}),
    RETRY_WAIT: _BACK | {RUNNING},
    FAILED: _BACK | {RUNNING},
    SKIPPED: _BACK | {RUNNING},
    WAITING: _BACK,
    SUCCEEDED: frozenset(),
    DELETED: frozenset(),
}
"""Each state with those that may come next; None is before a task was logged."""
