"""A gRPC server that does nothing, of the same kind as that of the bus: the limit of what the wire allows.

``python -m bench.empty_server`` says its address, and serves until it is told to stop. It reads no message; its answers
are as large as those of the bus.
"""

import json
import sys
from collections.abc import AsyncIterator

import grpc
import uvloop

from integrationbus.server.limits import Limits
from integrationbus.server.rpc.server import server_options

__all__ = ["COUNT", "ECHO", "EVERY", "UNARY"]

EVERY = 100
"""How many messages COUNT answers at once."""

UNARY, ECHO, COUNT = "/bench.Empty/Unary", "/bench.Empty/Echo", "/bench.Empty/Count"
"""A call; a stream that answers each message; a stream that answers in groups, and what is left at its end."""

_ANSWER = bytes(130)

_Context = grpc.aio.ServicerContext[bytes, bytes]


async def _unary(_request: bytes, _context: _Context) -> bytes:
    return _ANSWER


async def _echo(requests: AsyncIterator[bytes], _context: _Context) -> AsyncIterator[bytes]:
    async for _ in requests:
        yield _ANSWER


async def _count(requests: AsyncIterator[bytes], _context: _Context) -> AsyncIterator[bytes]:
    number = 0
    async for _ in requests:
        number += 1
        if number % EVERY == 0:
            yield _ANSWER * EVERY
    yield _ANSWER


async def _serve() -> None:
    server = grpc.aio.server(options=server_options(Limits()))
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        UNARY: grpc.unary_unary_rpc_method_handler(_unary),
        ECHO: grpc.stream_stream_rpc_method_handler(_echo),
        COUNT: grpc.stream_stream_rpc_method_handler(_count),
    }
    methods = {path.rpartition("/")[2]: handler for path, handler in handlers.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Empty", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(json.dumps({"address": f"127.0.0.1:{port}"}) + "\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve())
