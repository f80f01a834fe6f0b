"""Blocking reads away from the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Reads"]

_T = TypeVar("_T")


class Reads:
    """A small pool of threads; as many as there are reading connections, so that none waits for one."""

    def __init__(self, threads: int = 8) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="read")

    async def __call__(self, function: Callable[[], _T]) -> _T:
        """Call the function on a thread of the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def stop(self) -> None:
        """Wait for the calls in flight, and end the threads."""
        self._pool.shutdown()
