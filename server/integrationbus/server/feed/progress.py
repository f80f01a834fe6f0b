"""How far the feeds have come."""

from collections.abc import Iterator

__all__ = ["Progress"]


class Progress:
    """The newest position of each connector that is followed, and which of them moved since a moment.

    A moment is a number that grows with every move, so that a watcher needs to remember one number, and not a position
    for each connector.
    """

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}
        self._moved: dict[int, int] = {}
        self.moment = 0

    def __contains__(self, connector_id: int) -> bool:
        return connector_id in self._newest

    def __getitem__(self, connector_id: int) -> int:
        return self._newest[connector_id]

    def get(self, connector_id: int) -> int | None:
        """The newest position of a connector; None when it is not followed."""
        return self._newest.get(connector_id)

    def begin(self, connector_id: int, position: int) -> None:
        """Follow a connector from a position on."""
        self._newest[connector_id] = position

    def advance(self, connector_id: int, position: int) -> None:
        """The feed of a connector has come to a position."""
        self._newest[connector_id] = position
        self.moment += 1
        # Taken out first: the order of this mapping is that of the moves.
        self._moved.pop(connector_id, None)
        self._moved[connector_id] = self.moment

    def moved_since(self, moment: int) -> Iterator[int]:
        """The connectors that moved after a moment, the newest move first."""
        for connector_id, moved in reversed(self._moved.items()):
            if moved <= moment:
                return
            yield connector_id

    def clear(self) -> None:
        """Follow nothing any more."""
        self._newest.clear()
        self._moved.clear()
