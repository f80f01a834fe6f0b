"""A call that is ready to be made, whoever makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

__all__ = ["Call", "Page"]

_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Call(Generic[_Result]):
    """A request, where it goes, and how its response is read."""

    method: str
    request: Message
    response: type[Message]
    read: "Callable[..., _Result]"


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """Part of a list; an empty token says that it is the last."""

    items: list[_Item]
    next_token: str
