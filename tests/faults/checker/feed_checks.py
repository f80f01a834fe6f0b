"""The feed of changes, as it is stored."""

from collections import Counter
from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.checker.states import FOLLOWING, NAMES
from faults.checker.verdict import Check

__all__ = ["CHECKS"]


def legal(evidence: Evidence) -> Iterator[str]:
    """Each change may come next and follows the one before it, and the last one is where the task stands."""
    for key, task in evidence.task_at.items():
        name = f"{evidence.names[key[0]]} {key[1]}"
        chain = evidence.chain_of.get(key, ())
        floor = next(item.feed_floor for item in evidence.connectors if item.id == key[0])
        previous = chain[0].previous_state if chain and floor else None
        for event in chain:
            if event.previous_state != previous:
                yield f"{name}: change {event.position} starts from {event.previous_state}, it was {previous}"
            if event.state not in FOLLOWING.get(event.previous_state, ()):
                before = NAMES.get(event.previous_state or 0, "nothing")
                yield f"{name}: {before} cannot become {NAMES.get(event.state, event.state)}"
            previous = event.state
        if not chain and not floor:
            yield f"{name}: has no change on record"
        elif chain and (chain[-1].state, chain[-1].position) != (task.state, task.position):
            yield f"{name}: its last change is {chain[-1].position}, the task says {task.position}"
    for connector_id, sequence in sorted(evidence.chain_of.keys() - evidence.task_at.keys()):
        yield f"{evidence.names[connector_id]} {sequence}: has changes, and is no task"


def dense_feed(evidence: Evidence) -> Iterator[str]:
    """The positions of a feed have no hole, and its counters say what is there."""
    for connector in evidence.connectors:
        positions = [event.position for event in evidence.events_of.get(connector.id, ())]
        expected = list(range(connector.feed_floor + 1, connector.last_position + 1))
        if positions != expected:
            missing = sorted(set(expected) - set(positions))[:3]
            yield f"{connector.name}: {len(positions)} changes up to {connector.last_position}; missing {missing}"
        states = Counter(task.state for task in evidence.tasks if task.connector_id == connector.id)
        for state in NAMES:
            if states[state] != connector.counts.get(state, 0) and not connector.feed_floor:
                yield f"{connector.name}: {states[state]} tasks are {NAMES[state]}, it counts {connector.counts[state]}"


def _events(evidence: Evidence) -> int:
    return len(evidence.events)


CHECKS = (
    Check("S11 legal changes", "each change may follow the one before", _events, legal),
    Check("S12 dense feed", "the feed has no hole, the counters fit", _events, dense_feed),
)
