"""The contract of everything that starts and stops."""

from typing import Protocol

__all__ = ["Service"]


class Service(Protocol):
    """Something with a life of its own.

    ``stop`` waits until nothing of it runs any more. It may be called more than once, and without a ``start``.
    """

    def start(self) -> None:
        """Begin to work."""
        ...

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        ...
