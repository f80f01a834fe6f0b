"""A point in the feed of task changes."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from google.protobuf.message import DecodeError

from integrationbus.v1 import task_pb2

__all__ = ["ResumeToken"]


@dataclass(frozen=True, slots=True)
class ResumeToken:
    """The last change seen of each connector: a watch that starts from here goes on without a gap or a repetition.

    ``positions`` holds the feed position by connector; a connector without one is watched from its beginning. A token
    belongs to the store that it comes from.
    """

    store_id: str
    positions: Mapping[str, int]

    def merge(self, newer: "ResumeToken") -> "ResumeToken":
        """Return this token moved on to ``newer``, whose positions win. Raises ValueError for one of another store."""
        if newer.store_id != self.store_id:
            raise ValueError(f"the tokens are of two stores, {self.store_id!r} and {newer.store_id!r}")
        return ResumeToken(self.store_id, {**self.positions, **newer.positions})

    def to_text(self) -> str:
        """Return the token as one line of URL-safe ASCII, to be kept in a file or a column."""
        message = task_pb2.ResumeToken(store_id=self.store_id, positions=self.positions)
        return base64.urlsafe_b64encode(message.SerializeToString(deterministic=True)).decode()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote. Raises ValueError for anything else."""
        try:
            message = task_pb2.ResumeToken.FromString(base64.b64decode(text.strip(), altchars=b"-_", validate=True))
        except (ValueError, DecodeError) as error:
            raise ValueError("not the text of a resume token") from error
        if not message.store_id:
            raise ValueError("not the text of a resume token: it names no store")
        return cls(message.store_id, dict(message.positions))
