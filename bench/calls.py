"""The load: calls with ready-made requests, whose answers are not read, so that little of the time is the caller's."""

import asyncio
import math
import time
from collections.abc import Iterable, Sequence

import grpc

from bench.workload import APPLICATION

__all__ = ["METADATA", "BytesCall", "BytesStream", "connect", "in_flight", "one_by_one"]

METADATA = (("integrationbus-application", APPLICATION),)

BytesCall = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
BytesStream = grpc.aio.StreamStreamCall[bytes, bytes]


def connect(address: str) -> grpc.aio.Channel:
    """A connection that is shared with no other."""
    return grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


async def in_flight(call: BytesCall, requests: Sequence[bytes], number: int, *, seconds: float = math.inf) -> float:
    """Calls per second with so many of them in flight; those that are not sent after some seconds are left out."""
    started = time.perf_counter()
    left: Iterable[bytes] = iter(requests)
    done = 0

    async def keep_calling() -> None:
        nonlocal done
        for request in left:
            await call(request, metadata=METADATA)
            done += 1
            if time.perf_counter() - started > seconds:
                break

    async with asyncio.TaskGroup() as callers:
        for _ in range(number):
            callers.create_task(keep_calling())
    return done / (time.perf_counter() - started)


async def one_by_one(call: BytesCall, requests: Iterable[bytes]) -> list[float]:
    """The seconds that each call takes, with one in flight."""
    taken: list[float] = []
    for request in requests:
        started = time.perf_counter()
        await call(request, metadata=METADATA)
        taken.append(time.perf_counter() - started)
    return taken
