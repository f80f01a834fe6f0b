"""Streams of numbered tasks: the values that travel between the layers."""

from collections.abc import Sequence
from dataclasses import dataclass

from integrationbus.server.errors import BusError, StreamTakenOver
from integrationbus.server.value import value

__all__ = ["MisplacedEntry", "StreamPlace", "StreamRejection", "StreamStanding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRejection:
    """A task of a stream that cannot be stored, and why. ``code`` is a number of google.rpc.Code."""

    number: int
    code: int
    reason: str
    message: str
    field_path: str


@value
class StreamPlace:
    """Where a LogEntry stands in a stream: it leads from the settled number ``after`` to ``number``.

    ``rejections`` are the new ones between the two. The caller knows of those up to ``heard_number``, so that the store
    need not keep them.
    """

    creator: str
    stream_id: str
    after: int
    number: int
    rejections: Sequence[StreamRejection] = ()
    heard_number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStanding:
    """How far a stream is settled in the store, with the rejections that are kept, in the order of their numbers."""

    settled_number: int = 0
    rejections: Sequence[StreamRejection] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MisplacedEntry:
    """A LogEntry that was not stored, because its stream is not settled up to where its place begins."""

    stream_id: str

    def error(self) -> BusError:
        """What the caller is told."""
        return StreamTakenOver(f"another connection uses the stream {self.stream_id!r}")
