"""One watch: how far it has come, and what lies ready for it."""

import asyncio
from collections.abc import Mapping, Sequence

from integrationbus.server.feed.progress import Progress
from integrationbus.server.task_events import TaskEvent
from integrationbus.server.task_queries import TaskQuery

__all__ = ["Watcher"]

_MOST_READY = 500


class Watcher:
    """Follows the feeds of some connectors, ``names`` by their ids, each from a position on.

    While it is behind it has a position for each connector, and has to read on from there. Once it has come as far as
    the feeds are read it is present: it is given what its query matches, and has seen everything else. So what it does
    not want costs nothing.
    """

    __slots__ = (
        "_call",
        "_called",
        "_moved",
        "_positions",
        "_progress",
        "_ready",
        "_told_at",
        "names",
        "query",
        "sent_at",
    )

    def __init__(
        self, query: TaskQuery, names: Mapping[int, str], positions: Mapping[int, int], progress: Progress
    ) -> None:
        self.query = query
        self.names = names
        self.sent_at = 0.0
        """When something was delivered last, by the monotonic clock."""
        self._progress = progress
        self._positions: dict[int, int] | None = dict(positions)
        self._moved = set(positions)
        self._told_at = progress.moment
        self._ready: list[TaskEvent] = []
        self._called = False
        self._call: asyncio.Future[None] | None = None

    @property
    def is_present(self) -> bool:
        """Whether it is given what its query matches."""
        return self._positions is None

    def become_present(self) -> None:
        """Be given what comes from now on; it has caught up."""
        self._positions = None
        self._told_at = self._progress.moment

    def fall_behind(self, connector_id: int, position: int) -> None:
        """Read on by itself: from a position of one connector, and of the others from where their feeds are."""
        self._moved |= self._moved_while_present()
        self._moved.add(connector_id)
        self._positions = {each: self._progress[each] for each in self.names} | {connector_id: position}

    def unread(self) -> Sequence[tuple[int, int]]:
        """The connectors that it has to read on, and from where."""
        positions = self._positions or {}
        return [(each, position) for each, position in positions.items() if position < self._progress[each]]

    def is_behind(self) -> bool:
        """Whether there is anything that it has to read."""
        return bool(self.unread())

    def has_caught_up(self) -> bool:
        """Whether it has come as far as the feeds are read, and no farther: it may have started ahead of them."""
        positions = self._positions or {}
        return all(position == self._progress[each] for each, position in positions.items())

    def advance(self, connector_id: int, position: int) -> None:
        """The changes of a connector were read up to a position."""
        assert self._positions is not None, "who is present does not read"
        self._positions[connector_id] = position
        self._moved.add(connector_id)

    def give(self, event: TaskEvent) -> bool:
        """Let a change lie ready; False when too much does: then it has to fall behind, and read it later."""
        if len(self._ready) >= _MOST_READY:
            return False
        self._ready.append(event)
        self.call()
        return True

    def take(self) -> list[TaskEvent]:
        """What lies ready; it does so no longer."""
        ready, self._ready = self._ready, []
        return ready

    def take_moved(self) -> dict[str, int]:
        """The positions that changed since this was asked last, all at first, by connector name.

        Everything up to them was read, or taken.
        """
        positions: Mapping[int, int] | Progress = self._progress if self._positions is None else self._positions
        moved = self._moved | self._moved_while_present()
        self._moved, self._told_at = set(), self._progress.moment
        return {self.names[each]: positions[each] for each in moved}

    def call(self) -> None:
        """Make it look for what is new."""
        self._called = True
        if self._call is not None and not self._call.done():
            self._call.set_result(None)

    async def wait(self) -> None:
        """Wait for a call; return at once if there was one since the last time."""
        if not self._called:
            self._call = asyncio.get_running_loop().create_future()
            await self._call
        self._called = False

    def _moved_while_present(self) -> set[int]:
        if not self.is_present:
            return set()
        return {each for each in self._progress.moved_since(self._told_at) if each in self.names}
