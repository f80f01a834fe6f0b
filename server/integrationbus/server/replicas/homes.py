"""Which connectors this process is to process."""

from typing import Protocol

__all__ = ["AllHere", "Homes"]


class Homes(Protocol):
    """Knows where connectors are processed."""

    def is_here(self, connector: str) -> bool:
        """Whether this process is to process a connector; what it is asked for it does itself."""
        ...

    def is_elsewhere(self, connector: str) -> bool:
        """Whether another process can process a connector."""
        ...

    def tell(self) -> None:
        """Something changed that others may wait for."""
        ...


class AllHere:
    """One process does it all: see ``Homes``."""

    def is_here(self, connector: str) -> bool:
        """See ``Homes.is_here``."""
        return True

    def is_elsewhere(self, connector: str) -> bool:
        """See ``Homes.is_elsewhere``."""
        return False

    def tell(self) -> None:
        """See ``Homes.tell``."""
