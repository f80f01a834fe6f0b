"""A call that is ready to be made, whoever makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

__all__ = ["Call", "Page"]

_Response = TypeVar("_Response", bound=Message)
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Call(Generic[_Response, _Result]):
    """A request, the full name of its method, and how a response is read."""

    method: str
    request: Message
    response: type[_Response]
    read: Callable[[_Response], _Result]


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """Part of a list; an empty token says that it is the last."""

    items: list[_Item]
    next_token: str
