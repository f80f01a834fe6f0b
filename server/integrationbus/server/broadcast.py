"""A wake-up call to everybody who waits on the event loop."""

import asyncio

__all__ = ["Broadcast", "wait"]


class Broadcast:
    """Wakes all waiters at once. A waiter asks for ``next`` before it looks, so that no call is missed between."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def next(self) -> asyncio.Future[None]:
        """Done with the next call."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return self._next

    def send(self) -> None:
        """Wake those who wait; called on their event loop."""
        if self._next is not None:
            self._next.set_result(None)
            self._next = None


async def wait(call: asyncio.Future[None], seconds: float | None = None) -> bool:
    """Wait for a call, for so many seconds at most if any are given; returns whether it came."""
    done, _ = await asyncio.wait([call], timeout=seconds)
    return bool(done)
