"""Where a list goes on: opaque to callers, and of no use with another call, another filter or another store."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from google.protobuf.message import Message

from integrationbus.server.errors import FieldProblem, PageTokenInvalid
from integrationbus.server.rpc.checks import has_control

__all__ = ["page_size", "read_page_token", "write_page_token"]

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1_000
_MAX_TOKEN_LENGTH = 500  # also bounds how deep the JSON in it can be nested
_INTEGERS = range(-(2**63), 2**63)


def page_size(asked: int) -> int:
    """How many to return."""
    return min(asked, _LARGEST_PAGE) if asked > 0 else _DEFAULT_PAGE


def write_page_token(request: Message, place: Sequence[int | str], store_id: str) -> str:
    """The token for a place in the list that a request asks for."""
    return base64.urlsafe_b64encode(json.dumps([_fingerprint(request, store_id), *place]).encode()).decode()


def read_page_token(request: Message, token: str, kinds: Sequence[type], store_id: str) -> list[int | str] | None:
    """The place that a token names, of these types; None for the empty token. Raises PageTokenInvalid."""
    if not token:
        return None
    if len(token) > _MAX_TOKEN_LENGTH:
        raise _invalid("is malformed")
    try:
        content: list[int | str] = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        fingerprint, place = content[0], content[1:]
    except (binascii.Error, ValueError, TypeError, LookupError):
        raise _invalid("is malformed") from None
    if fingerprint != _fingerprint(request, store_id):
        raise _invalid("is not from this call with the same filter, or not of this store")
    if len(place) != len(kinds) or not all(map(_fits, place, kinds)):
        raise _invalid("is malformed")
    return place


def _fits(item: object, kind: type) -> bool:
    """Whether the database can compare with it: tokens may be forged."""
    return type(item) is kind and (item in _INTEGERS if isinstance(item, int) else not has_control(str(item)))


def _fingerprint(request: Message, store_id: str) -> str:
    """What the pages of one list have in common: the store, and the request without token and size."""
    same = type(request)()
    same.CopyFrom(request)
    for name in ("page_token", "page_size", "view"):
        if name in same.DESCRIPTOR.fields_by_name:
            same.ClearField(name)
    content = f"{store_id} {same.DESCRIPTOR.full_name} ".encode() + same.SerializeToString(deterministic=True)
    return hashlib.sha256(content).hexdigest()[:16]


def _invalid(text: str) -> PageTokenInvalid:
    return PageTokenInvalid(FieldProblem("page_token", text))
