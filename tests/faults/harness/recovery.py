"""How soon after a restart a connector that has something to do goes on."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from faults.checker.evidence import Event, Evidence
from faults.checker.states import FAILED, OPEN_STATES

__all__ = ["recoveries"]

_NEVER = float("inf")


def recoveries(evidence: Evidence, served_at: Sequence[float]) -> list[float]:
    """The seconds from each restart to the first change that a run made, for each connector that could go on.

    ``served_at`` are the moments at which the server served, in seconds since 1970; the first is no restart. Connectors
    without open tasks, those that are halted, and those that were not left alive long enough, are passed over.
    """
    lives = list(pairwise([*served_at, _NEVER]))[1:]
    return [seconds for feed in evidence.events_of.values() for seconds in _of_connector(feed, lives)]


def _of_connector(feed: Sequence[Event], lives: Sequence[tuple[float, float]]) -> Iterator[float]:
    states: dict[int, int] = {}
    place = 0
    for begin, end in lives:
        while place < len(feed) and _moment(feed[place]) <= begin:
            states[feed[place].sequence] = feed[place].state
            place += 1
        if not any(state in OPEN_STATES for state in states.values()) or _may_be_halted(states):
            continue
        first = next((_moment(event) for event in feed[place:] if event.run_id), _NEVER)
        if first < end:
            yield first - begin


def _may_be_halted(states: dict[int, int]) -> bool:
    """Whether the newest task that anybody tried has failed."""
    tried = [sequence for sequence, state in states.items() if state not in OPEN_STATES]
    return bool(tried) and states[max(tried)] == FAILED


def _moment(event: Event) -> float:
    return event.occurred_at / 1e6
