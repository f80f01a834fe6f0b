"""What watchers received, compared with the feed."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from faults.checker.evidence import Event, Evidence, Watched
from faults.checker.verdict import Check

__all__ = ["CHECKS"]


def watched_is_feed(evidence: Evidence) -> Iterator[str]:
    """Over all its connections a watcher received each change once, in order, as it is stored, up to its last one."""
    feeds = _feeds(evidence)
    for watcher, lines in _watchers(evidence).items():
        begun = dict(lines[0].token)
        received: dict[str, list[Watched]] = defaultdict(list)
        for line in lines:
            if line.kind == "change":
                received[line.connector].append(line)
        ended = lines[-1].kind == "end"
        for connector, feed in feeds.items():
            changes = received[connector]
            last = max(feed, default=0) if ended else max((line.position for line in changes), default=0)
            expected = [position for position in feed if begun.get(connector, 0) < position <= last]
            got = [line.position for line in changes]
            if got != expected:
                yield f"{watcher}: {connector} {_first_difference(got, expected)}"
            for line in changes:
                event = feed.get(line.position)
                if event is not None and (event.sequence, event.state) != (line.sequence, line.state):
                    yield f"{watcher}: {connector} change {line.position} came as {line.sequence} in {line.state}"


def tokens_are_true(evidence: Evidence) -> Iterator[str]:
    """Once a token says a position, everything up to it was received, and nothing up to it comes any more."""
    feeds = {connector: sorted(feed) for connector, feed in _feeds(evidence).items()}
    for watcher, lines in _watchers(evidence).items():
        begun = dict(lines[0].token)
        said = dict(begun)
        received: dict[str, int] = dict(begun)
        for line in lines:
            if line.kind == "change":
                if line.position <= said.get(line.connector, 0):
                    yield f"{watcher}: {line.connector} {line.position} came after a token that had said it"
                received[line.connector] = max(received.get(line.connector, 0), line.position)
            for connector, position in line.token.items():
                came = received.get(connector, 0)
                feed = feeds.get(connector, ())
                place = bisect_right(feed, came)
                if place < len(feed) and feed[place] <= position:
                    yield f"{watcher}: a token says {connector} {position}, but {feed[place]} had not come"
                if position < said.get(connector, 0):
                    yield f"{watcher}: a token went back from {connector} {said[connector]} to {position}"
                said[connector] = position
                received[connector] = max(came, position)


def _feeds(evidence: Evidence) -> dict[str, dict[int, Event]]:
    return {
        item.name: {event.position: event for event in evidence.events_of.get(item.id, ())}
        for item in evidence.connectors
    }


def _watchers(evidence: Evidence) -> Mapping[str, Sequence[Watched]]:
    watchers: dict[str, list[Watched]] = defaultdict(list)
    for line in evidence.watched:
        watchers[line.watcher].append(line)
    return watchers


def _first_difference(got: Sequence[int], expected: Sequence[int]) -> str:
    for place, position in enumerate(expected):
        if place >= len(got) or got[place] != position:
            came = got[place] if place < len(got) else "nothing"
            return f"change {position} was due, {came} came"
    return f"change {got[len(expected)]} came beyond the feed"


def _changes(evidence: Evidence) -> int:
    return sum(line.kind == "change" for line in evidence.watched)


CHECKS = (
    Check("S13 watch is feed", "watchers miss nothing and see nothing twice", _changes, watched_is_feed),
    Check("S14 tokens", "a token says what was received", _changes, tokens_are_true),
)
