"""What a verdict is made from: the calls of clients, what watchers received, and the rows of the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

__all__ = [
    "Applied",
    "Attempt",
    "Call",
    "ConnectorRow",
    "Effect",
    "Entry",
    "Event",
    "Evidence",
    "Receipt",
    "TaskRow",
    "Watched",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A task as its caller described it. Titles are unique; ``digest`` is the SHA-256 of the encoded payload."""

    connector: str
    title: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the server said about one stored task."""

    id: str
    connector: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that logs tasks. Times are seconds of one monotonic clock; ``returned`` is 0 when no answer came.

    ``outcome`` is "ok", "fail" for an answer that promises that nothing was stored, or "unknown".
    """

    creator: str
    request_id: str
    invoked: float
    returned: float
    outcome: str
    entries: Sequence[Entry]
    receipts: Sequence[Receipt] = ()
    duplicate: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A line of the log of a watcher.

    ``kind`` is "start" (with the token that it starts from), "change" (with the token after it), or "end": nothing more
    was to come. Tokens are positions by connector.
    """

    watcher: str
    kind: str
    token: Mapping[str, int]
    connector: str = ""
    position: int = 0
    task_id: str = ""
    sequence: int = 0
    state: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A row of ``task``; ``digest`` is the SHA-256 of its payload."""

    connector_id: int
    sequence: int
    id: str
    title: str
    creator: str
    process_type: int
    digest: str
    payload: bytes
    task_type: int
    state: int
    attempt_count: int
    epoch: int
    position: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of ``task_event``; ``occurred_at`` is in microseconds since 1970."""

    connector_id: int
    position: int
    sequence: int
    state: int
    previous_state: int | None
    attempt: int
    error: str | None
    run_id: str
    actor: str
    occurred_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of ``task_attempt``, which is written when the attempt has ended."""

    connector_id: int
    sequence: int
    number: int
    epoch: int
    outcome: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A row of ``applied``."""

    connector_id: int
    sequence: int
    position: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a trigger of the target table saw: "I", "U" or "D", of a register of a connector, with its value."""

    owner: str
    operation: str
    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRow:
    """A connector with its counters, its halt and the epoch of its lease."""

    id: int
    name: str
    halted_sequence: int | None
    last_sequence: int
    last_position: int
    feed_floor: int
    counts: Mapping[int, int]
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that is known; rows of tables are sorted by connector, then by sequence or position.

    ``effects`` is None where the target has no trigger that records them. ``registers`` are the values at the end.
    """

    calls: Sequence[Call] = ()
    watched: Sequence[Watched] = ()
    connectors: Sequence[ConnectorRow] = ()
    tasks: Sequence[TaskRow] = ()
    events: Sequence[Event] = ()
    attempts: Sequence[Attempt] = ()
    applied: Sequence[Applied] = ()
    effects: Sequence[Effect] | None = None
    registers: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The names of the connectors by id."""
        return {item.id: item.name for item in self.connectors}

    @cached_property
    def task_at(self) -> Mapping[tuple[int, int], TaskRow]:
        """The tasks by connector id and sequence."""
        return {(item.connector_id, item.sequence): item for item in self.tasks}

    @cached_property
    def events_of(self) -> Mapping[int, Sequence[Event]]:
        """The feed of each connector, in its order."""
        feeds: dict[int, list[Event]] = defaultdict(list)
        for event in sorted(self.events, key=lambda event: event.position):
            feeds[event.connector_id].append(event)
        return feeds

    @cached_property
    def chain_of(self) -> Mapping[tuple[int, int], Sequence[Event]]:
        """The events of each task, in their order, by connector id and sequence."""
        chains: dict[tuple[int, int], list[Event]] = defaultdict(list)
        for feed in self.events_of.values():
            for event in feed:
                chains[event.connector_id, event.sequence].append(event)
        return chains

    @cached_property
    def attempts_of(self) -> Mapping[tuple[int, int], Sequence[Attempt]]:
        """The attempts at each task, in their order, by connector id and sequence."""
        found: dict[tuple[int, int], list[Attempt]] = defaultdict(list)
        for attempt in sorted(self.attempts, key=lambda attempt: attempt.number):
            found[attempt.connector_id, attempt.sequence].append(attempt)
        return found

    @cached_property
    def acknowledged(self) -> Sequence[Receipt]:
        """Every task that some caller was told is stored."""
        return [receipt for call in self.calls if call.outcome == "ok" for receipt in call.receipts]
