"""Payloads as expressions see them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from integrationbus.connectors.keys import Reference

__all__ = ["for_expressions"]

_MAX_DEPTH = 100
_INT64 = range(-(2**63), 2**63)


def for_expressions(value: object, depth: int = 0) -> object:
    """The same value in the types of CEL, without loss.

    CEL has no exact decimals, no UUIDs and no integers beyond 64 bits: they become texts. A reference becomes its
    external id. Raises ValueError for a value that is nested too deeply.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"the object is nested more than {_MAX_DEPTH} levels deep")
    match value:
        case bool() | str() | bytes():
            return value
        case int():
            return value if value in _INT64 else str(value)
        case Decimal():
            return format(value, "f")
        case UUID():
            return str(value)
        case Reference():
            return for_expressions(value.external_id)
        case Mapping():
            return {key: for_expressions(item, depth + 1) for key, item in value.items()}
        case Sequence():
            return [for_expressions(item, depth + 1) for item in value]
        case _:
            return value
