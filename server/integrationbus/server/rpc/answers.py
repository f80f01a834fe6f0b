"""Keeping answers so small that clients of every language take them."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

__all__ = ["first_page", "in_parts"]

# Clients refuse messages over 4 MiB unless they are told otherwise. The rest is for what surrounds the items.
_MAX_BYTES = 3 * 1024 * 1024

_M = TypeVar("_M", bound=Message)
_P = TypeVar("_P")


def first_page(items: Iterable[tuple[_P, _M]], limit: int) -> tuple[list[_M], _P | None]:
    """The first messages, at most ``limit`` and as many as fit; and the place of the last one when there are more.

    Items are a place and a message. No more of them are read than it takes to know whether there are more.
    """
    page: list[_M] = []
    last: _P | None = None
    size = 0
    for place, message in items:
        size += message.ByteSize()
        if len(page) == limit or (page and size > _MAX_BYTES):
            return page, last
        page.append(message)
        last = place
    return page, None


def in_parts(messages: Iterable[_M]) -> Iterator[list[_M]]:
    """The messages in their order, in parts that fit; one empty part when there are none."""
    part: list[_M] = []
    size = 0
    for message in messages:
        length = message.ByteSize()
        if part and size + length > _MAX_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    yield part
