"""The context of a call, and who calls."""

from typing import Any, TypeAlias

import grpc

from integrationbus.server.rpc.intake import check_creator

__all__ = ["Context", "creator_of"]

# Quoted, since the class takes parameters for type checkers only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_APPLICATION = "integrationbus-application"


def creator_of(context: Context) -> str:
    """The name that the calling application gives itself in the metadata; empty when it gives none.

    Raises InvalidField for one that is too long or not printable.
    """
    for key, value in context.invocation_metadata() or ():
        if key == _APPLICATION:
            return check_creator(value if isinstance(value, str) else value.decode(errors="replace"))
    return ""
