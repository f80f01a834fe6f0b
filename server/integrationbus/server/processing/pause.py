"""What the runs of a connector ask of the thread that they are on."""

from datetime import datetime
from typing import Protocol

__all__ = ["Pause"]


class Pause(Protocol):
    """How a runner waits, and learns that it is to end."""

    @property
    def stopping(self) -> bool:
        """Whether the run is to end after the batch in hand."""
        ...

    @property
    def trusted(self) -> bool:
        """Whether nobody else can have the connector by now."""
        ...

    def prove(self, asked_at: float) -> None:
        """The lease held for whoever asked at this moment of the monotonic clock, and was prolonged."""
        ...

    def wait_until(self, moment: datetime) -> None:
        """Return when the moment has come, or earlier when something changed."""
        ...
