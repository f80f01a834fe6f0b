"""How long the server keeps what is over, and what it removed."""

import re
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Purged", "Retention", "duration_text", "read_duration"]

_DURATION = re.compile(r"(\d{1,6}) (second|minute|hour|day)s?")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each kind of record is kept after it is over; None is for ever.

    Tasks are kept at least as long as changes, because a change is read with its task. What is in the line, or waits,
    is kept however old it is.
    """

    succeeded: timedelta | None = timedelta(days=30)
    """Tasks that are SUCCEEDED."""
    failed: timedelta | None = timedelta(days=90)
    """Tasks that are FAILED or SKIPPED and out of the line."""
    deleted: timedelta | None = timedelta(days=90)
    """Tasks that are DELETED."""
    events: timedelta | None = timedelta(days=14)
    """Changes of tasks: how old a resume token may be."""
    request_ids: timedelta | None = timedelta(days=30)
    """Request ids: how long a call can be repeated."""
    runs: timedelta | None = timedelta(days=30)
    """Runs that have ended."""

    def __post_init__(self) -> None:
        """Raises ValueError when a kind of task is not kept as long as its changes."""
        for name in ("succeeded", "failed", "deleted"):
            kept: timedelta | None = getattr(self, name)
            if kept is not None and (self.events is None or self.events > kept):
                raise ValueError(
                    f"changes are kept {duration_text(self.events)}, longer than {name} tasks, which are kept"
                    f" {duration_text(kept)}: make retain_events shorter, or retain_{name} longer"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How much was removed. ``more`` says that there may be more to remove right now."""

    tasks: int = 0
    events: int = 0
    request_ids: int = 0
    runs: int = 0
    more: bool = False

    def __add__(self, later: "Purged") -> "Purged":
        return Purged(
            tasks=self.tasks + later.tasks,
            events=self.events + later.events,
            request_ids=self.request_ids + later.request_ids,
            runs=self.runs + later.runs,
            more=later.more,
        )


def read_duration(text: str) -> timedelta | None:
    """A time to keep something, such as "30 days"; None, which is for ever, for "0" and "". Raises ValueError."""
    if text.strip() in ("", "0"):
        return None
    found = _DURATION.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ValueError(f'{text!r} is no duration, such as "30 days" or "12 hours"; 0 is for ever')
    return timedelta(**{f"{found[2]}s": int(found[1])})


def duration_text(kept: timedelta | None) -> str:
    """The inverse of ``read_duration``, for people."""
    if kept is None:
        return "for ever"
    seconds = int(kept.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if not seconds % size)
    number = seconds // size
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
