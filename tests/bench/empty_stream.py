"""A gRPC server that does nothing: what it reads of a stream it forgets. For comparison, in a process of its own."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import uvloop


async def _read_all(requests: AsyncIterator[bytes], _: Any) -> AsyncIterator[bytes]:
    async for _ in requests:
        pass
    yield b""


async def main() -> None:
    """Serve the method that the command line names, and print the address, until the process is ended."""
    server = grpc.aio.server()
    _, service, name = sys.argv[1].split("/")
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(_read_all)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)  # noqa: T201 - whoever started it reads the address
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
