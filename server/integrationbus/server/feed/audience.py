"""Everybody who watches: each change finds those who want it."""

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice

from integrationbus.server.clock import Clock
from integrationbus.server.feed.matching import keys_of_event, keys_of_query, matches
from integrationbus.server.feed.watcher import Watcher
from integrationbus.server.task_events import TaskEvent

__all__ = ["Audience"]

_REMIND_SECONDS = 0.1


class Audience:
    """The watchers that are here. Everything here runs on one event loop.

    Those that are present are found by the keys of a change, so that a change costs as much as there are watchers that
    may want it, and not as there are watchers. Those that are behind are called whenever the feeds have moved.
    """

    def __init__(self, clock: Clock, quiet_seconds: float) -> None:
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._by_key: dict[Hashable, dict[Watcher, None]] = {}
        self._behind: set[Watcher] = set()
        # When something was last delivered to each, or it was last reminded; in this order.
        self._all: dict[Watcher, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watcher: Watcher) -> None:
        """A watcher has come; it is behind at first."""
        self._behind.add(watcher)
        self.delivered(watcher)
        if self._timer is None:
            self._remind_later()

    def remove(self, watcher: Watcher) -> None:
        """A watcher has gone."""
        self._behind.discard(watcher)
        self._take_out(watcher)
        self._all.pop(watcher, None)

    def delivered(self, watcher: Watcher) -> None:
        """Something was delivered to a watcher."""
        watcher.sent_at = self._clock.monotonic()
        self._put_last(watcher, watcher.sent_at)

    def seat(self, watcher: Watcher) -> None:
        """Let a watcher be present."""
        watcher.become_present()
        self._behind.discard(watcher)
        for key in keys_of_query(watcher.query):
            self._by_key.setdefault(key, {})[watcher] = None

    def give(self, events: Sequence[TaskEvent]) -> None:
        """Hand out new changes of a connector, before its feed counts as having moved."""
        for event in events:
            for watcher in self._who_wants(event):
                if not watcher.give(event):
                    self._leave_behind(watcher, event.connector_id, event.position - 1)

    def lose(self, connector_id: int, position: int) -> None:
        """Changes behind a position cannot be handed out any more: those who may want them have to look themselves."""
        for watcher in self._all:
            if watcher.is_present and connector_id in watcher.names:
                self._leave_behind(watcher, connector_id, position)

    def call_those_behind(self) -> None:
        """The feeds have moved."""
        for watcher in self._behind:
            watcher.call()

    def call_all(self) -> None:
        """Something concerns everybody."""
        for watcher in self._all:
            watcher.call()

    def _who_wants(self, event: TaskEvent) -> Iterator[Watcher]:
        for key in keys_of_event(event):
            # A list: who gets too much is taken out meanwhile.
            for watcher in list(self._by_key.get(key, ())):
                if event.connector_id in watcher.names and matches(event, watcher.query):
                    yield watcher

    def _leave_behind(self, watcher: Watcher, connector_id: int, position: int) -> None:
        watcher.fall_behind(connector_id, position)
        self._take_out(watcher)
        self._behind.add(watcher)
        watcher.call()

    def _take_out(self, watcher: Watcher) -> None:
        for key in keys_of_query(watcher.query):
            watchers = self._by_key.get(key, {})
            watchers.pop(watcher, None)
            if not watchers:
                self._by_key.pop(key, None)

    def _put_last(self, watcher: Watcher, moment: float) -> None:
        self._all.pop(watcher, None)
        self._all[watcher] = moment

    def _remind_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_REMIND_SECONDS, self._remind)

    def _remind(self) -> None:
        """Call those who got nothing for long, a few at a time; one timer for all, however many they are."""
        now = self._clock.monotonic()
        most = 1 + 2 * int(len(self._all) * _REMIND_SECONDS / self._quiet_seconds)
        for watcher, moment in list(islice(self._all.items(), most)):
            if now - moment > self._quiet_seconds:
                watcher.call()
                # Not to be in the way of others while it is still busy with what it got before.
                self._put_last(watcher, now)
        self._timer = None
        if self._all:
            self._remind_later()
