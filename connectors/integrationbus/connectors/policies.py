"""What a connector class may declare about itself: accepted payloads, triggers and retries."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from google.protobuf.message import Message

__all__ = [
    "Accepts",
    "Cron",
    "Every",
    "FailOnMissingKey",
    "MissingKeyPolicy",
    "OnLog",
    "OnNotify",
    "RetryPolicy",
    "Trigger",
    "WaitForMissingKey",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepts:
    """The payload forms that a connector takes; a task in any other form is refused when it is logged.

    ``messages`` are the generated classes of the callers' own protobuf messages. ``content_types`` are media types of
    encoded payloads; ``"*/*"`` takes any. ``prepared`` lets callers send internal objects and pages that they made
    themselves.
    """

    record: bool = True
    messages: tuple[type[Message], ...] = ()
    content_types: tuple[str, ...] = ("*/*",)
    prepared: bool = True

    def __post_init__(self) -> None:
        for name, kind in (("messages", type), ("content_types", str)):
            values = getattr(self, name)
            if not isinstance(values, tuple) or not all(isinstance(value, kind) for value in values):
                raise TypeError(f"Accepts.{name} must be a tuple, not {values!r}; one value needs a comma: (x,)")
        for cls in self.messages:
            if not issubclass(cls, Message):
                raise TypeError(
                    f"Accepts.messages must hold generated classes of protobuf messages, not {cls.__name__}"
                )

    def message_class(self, full_name: str) -> type[Message] | None:
        """The declared class of a message by its full protobuf name, or None."""
        return next((cls for cls in self.messages if cls.DESCRIPTOR.full_name == full_name), None)

    def accepts_content_type(self, content_type: str) -> bool:
        """Whether an encoded payload of this media type is taken; parameters are ignored."""
        media_type = content_type.partition(";")[0].strip().lower()
        return any(accepted in ("*/*", media_type) for accepted in map(str.lower, self.content_types))

    def names(self) -> Iterator[str]:
        """The forms as ``Connector.accepts`` of the API lists them."""
        if self.record:
            yield "record"
        yield from (f"message:{cls.DESCRIPTOR.full_name}" for cls in self.messages)
        yield from (f"encoded:{content_type}" for content_type in self.content_types)
        if self.prepared:
            yield from ("object", "page")


@dataclass(frozen=True, slots=True)
class OnLog:
    """A logged task starts a run at once."""


@dataclass(frozen=True, slots=True)
class OnNotify:
    """Only a notify starts a run."""


@dataclass(frozen=True, slots=True)
class Every:
    """A run starts at this interval, the first one after one interval."""

    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval < timedelta(seconds=1):
            raise ValueError(f"the interval of a schedule must be at least one second, not {self.interval}")

    def __str__(self) -> str:
        return f"every {self.interval}"


@dataclass(frozen=True, slots=True)
class Cron:
    """A run starts when the five fields of a crontab line say so, for example ``"0 3 * * mon-fri"``."""

    expression: str
    timezone: str = "UTC"

    def __str__(self) -> str:
        return f"{self.expression} ({self.timezone})"


Trigger = OnLog | OnNotify | Every | Cron
"""What starts the runs of a connector; a notify does so in every case."""


@dataclass(frozen=True, slots=True)
class FailOnMissingKey:
    """A required key that points at nothing fails the attempt with KEY_NOT_FOUND."""


@dataclass(frozen=True, slots=True)
class WaitForMissingKey:
    """A required key that points at nothing makes the task wait, out of the line, until its target appears.

    Later tasks about the same object wait behind it; all others go on. After ``limit`` the task comes back and fails;
    None: it waits for ever.
    """

    limit: timedelta | None = timedelta(days=7)

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < timedelta(seconds=1):
            raise ValueError(f"the limit of a wait must be at least one second, not {self.limit}")


MissingKeyPolicy = FailOnMissingKey | WaitForMissingKey
"""What happens when a required key points at an object that does not exist; a task may say otherwise for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Attempts at a task in one go, before its process type decides what a failure means.

    Only errors marked retryable are tried again; the task holds its place in the line meanwhile. The delay before
    attempt ``n + 1`` is ``initial_delay * multiplier ** (n - 1)``, at most ``max_delay``. SKIP_ON_ERROR tasks are
    retried by later runs until they have failed ``max_failures`` times, and not before that same delay is over.
    """

    max_attempts: int = 1
    initial_delay: timedelta = field(default=timedelta(seconds=1))
    multiplier: float = 2.0
    max_delay: timedelta = field(default=timedelta(minutes=5))
    max_failures: int = 10

    def __post_init__(self) -> None:
        if self.max_attempts < 1 or self.max_failures < 1:
            raise ValueError("max_attempts and max_failures must be at least 1")
        if not 1.0 <= self.multiplier < math.inf:
            raise ValueError(
                f"the multiplier of a backoff must be a finite number of at least 1, not {self.multiplier}"
            )
        if not timedelta(0) <= self.initial_delay <= self.max_delay:
            raise ValueError("the delays of a retry policy must satisfy 0 <= initial_delay <= max_delay")

    def delay_after(self, failures: int) -> timedelta:
        """How long to wait after the given number of failures, counted from 1."""
        limit = self.max_delay.total_seconds()
        seconds = self.initial_delay.total_seconds()
        for _ in range(failures - 1):
            if seconds >= limit:
                break
            seconds *= self.multiplier
        return self.max_delay if seconds >= limit else timedelta(seconds=seconds)
