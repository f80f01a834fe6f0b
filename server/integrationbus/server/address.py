"""Addresses: HOST:PORT."""

import re

__all__ = ["is_host_and_port"]

_HOST_AND_PORT = re.compile(r"(\[[^\s\[\]]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
_HIGHEST_PORT = 65_535


def is_host_and_port(text: str) -> bool:
    """Whether a text is a host and the number of a port, with an IPv6 address in brackets: ``[::1]:50051``."""
    found = _HOST_AND_PORT.fullmatch(text)
    return found is not None and int(found[2]) <= _HIGHEST_PORT
