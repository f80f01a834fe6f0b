"""What a server answers, written down so that two servers can be compared."""

import re
from collections.abc import AsyncIterable, Awaitable
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from support.served import Refusal

__all__ = ["Transcript"]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_AT_WORK = re.compile("CONNECTOR_STATE_(IDLE|RUNNING)")
_WHO_WAS_FIRST = re.compile("RUN_TRIGGER_(NOTIFY|RESUME|CALL)")
_TOKENS = ("resumeToken", "nextPageToken")


class Transcript:
    """Answers and refusals in the order of the calls.

    An id is written as a number in the order of its first appearance, a moment and a token as such. Whether a connector
    is still at work a moment after its run is left out; and whether a notify started a run, or joined the one that a
    release had just begun, which is a matter of time as well.
    """

    def __init__(self) -> None:
        self.lines: list[tuple[str, Any]] = []
        self._ids: dict[str, str] = {}

    async def note(self, what: str, call: Awaitable[Message]) -> Any:
        """Write down how a call ends; returns the answer, or None when it was refused."""
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            refusal = Refusal(error)
            self.add(what, [refusal.code, refusal.reason, refusal.path, refusal.message])
            return None
        self.add(what, MessageToDict(answer))
        return answer

    async def note_last(self, what: str, messages: AsyncIterable[Message]) -> None:
        """Write down the last message of a stream, once it has ended."""
        seen = [message async for message in messages]
        self.add(what, MessageToDict(seen[-1]))

    def add(self, what: str, content: Any) -> None:
        """Write something down."""
        self.lines.append((what, self._masked(content)))

    def _masked(self, content: Any) -> Any:
        match content:
            case dict():
                return {name: "a token" if name in _TOKENS else self._masked(value) for name, value in content.items()}
            case list():
                return [self._masked(value) for value in content]
            case str():
                numbered = _ID.sub(lambda found: self._ids.setdefault(found[0], f"<{len(self._ids) + 1}>"), content)
                timeless = _AT_WORK.sub("<at work or not>", _TIME.sub("<a moment>", numbered))
                return _WHO_WAS_FIRST.sub("<whoever was first>", timeless)
            case _:
                return content
