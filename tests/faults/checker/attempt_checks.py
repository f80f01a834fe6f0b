"""Who worked on tasks, and how often."""

from collections.abc import Iterator

from faults.checker.evidence import Evidence
from faults.checker.states import DELETED, FAILED, PENDING, RETRY_WAIT, RUNNING, SUCCEEDED, WAITING
from faults.checker.verdict import Check

__all__ = ["CHECKS"]

_BY_THE_HOLDER = frozenset({RUNNING, SUCCEEDED, FAILED, RETRY_WAIT, WAITING, DELETED, PENDING})


def one_processor(evidence: Evidence) -> Iterator[str]:
    """In the feed of a connector the epochs only grow, and what is applied has the epoch that held at its commit."""
    epochs = {(each.connector_id, each.sequence, each.number): each.epoch for each in evidence.attempts}
    # What goes on is not on record yet, but by its task.
    epochs |= {
        (*key, task.attempt_count): task.epoch for key, task in evidence.task_at.items() if task.state == RUNNING
    }
    for connector_id, feed in evidence.events_of.items():
        name, newest = evidence.names[connector_id], 0
        for event in feed:
            if not event.run_id or event.state not in _BY_THE_HOLDER or event.previous_state is None:
                continue
            if RUNNING not in (event.state, event.previous_state):
                continue
            epoch = epochs.get((connector_id, event.sequence, event.attempt), 0)
            if epoch < newest:
                yield f"{name} {event.sequence}: change {event.position} is of epoch {epoch}, after one of {newest}"
            newest = max(newest, epoch)
    for item in evidence.applied:
        task = evidence.task_at.get((item.connector_id, item.sequence))
        if task is not None and task.epoch != item.epoch:
            name = f"{evidence.names[item.connector_id]} {item.sequence}"
            yield f"{name}: applied in epoch {item.epoch}, taken in {task.epoch}"
    for connector in evidence.connectors:
        newest = max((each.epoch for each in evidence.attempts if each.connector_id == connector.id), default=0)
        if newest > connector.epoch:
            yield f"{connector.name}: an attempt is of epoch {newest}, the lease has come to {connector.epoch}"


def attempts_add_up(evidence: Evidence) -> Iterator[str]:
    """Attempts are numbered without a hole, are on record when they have ended, and the task knows how many."""
    for key, task in evidence.task_at.items():
        name = f"{evidence.names[key[0]]} {key[1]}"
        attempts = evidence.attempts_of.get(key, ())
        going_on = int(task.state == RUNNING)
        if [attempt.number for attempt in attempts] != list(range(1, task.attempt_count - going_on + 1)):
            yield f"{name}: counts {task.attempt_count} attempts, {len(attempts)} are on record"
        unended = [attempt.number for attempt in attempts if attempt.outcome is None]
        if unended:
            yield f"{name}: attempts {unended} have no end"
        begun = sum(event.state == RUNNING for event in evidence.chain_of.get(key, ()))
        if begun - going_on != len(attempts) and not _is_cut(evidence, key[0]):
            yield f"{name}: begun {begun} times, {len(attempts)} attempts are on record"


def _is_cut(evidence: Evidence, connector_id: int) -> bool:
    """Whether the beginning of a feed is no longer kept."""
    return any(item.feed_floor for item in evidence.connectors if item.id == connector_id)


def _attempts(evidence: Evidence) -> int:
    return len(evidence.attempts)


CHECKS = (
    Check("S10 one processor", "no two holders of a connector overlap", _attempts, one_processor),
    Check("S17 attempts", "attempts are counted and ended", _attempts, attempts_add_up),
)
