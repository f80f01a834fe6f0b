"""Payloads that mean nothing to any connector."""

from collections.abc import Sequence

from integrationbus.client import Encoded, Json, Payload
from integrationbus.connectors.policies import Accepts
from integrationbus.server.payloads.decoder import is_json

__all__ = ["unusable_payloads"]

_GARBAGE = b"\xff\x00\xfe\xed"
_ANYTHING = "*/*"


def unusable_payloads(accepts: Accepts) -> Sequence[Payload]:
    """Empty records, empty JSON and garbage, in the forms that a connector accepts.

    There is none for its messages: the server refuses bytes that are not such a message, and an empty one may be fine.
    """
    payloads: list[Payload] = []
    if accepts.record:
        payloads.append({})
    for content_type in accepts.content_types:
        if content_type == _ANYTHING:
            payloads += [Json({}), Encoded("application/octet-stream", _GARBAGE)]
        elif is_json(content_type):
            payloads.append(Encoded(content_type, b"{}"))
        else:
            payloads.append(Encoded(content_type, _GARBAGE))
    return payloads
