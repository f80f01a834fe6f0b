"""The order in which the tasks of a connector are processed."""

from collections.abc import Iterator

from faults.checker.evidence import Event, Evidence, TaskRow
from faults.checker.states import DELETED, FAILED, PENDING, RUNNING, SKIPPED, SUCCEEDED, WAITING
from faults.checker.verdict import Check

__all__ = ["CHECKS"]

_SKIP_ON_ERROR = 2
_DELETE_ON_ERROR = 3


def halted(evidence: Evidence) -> Iterator[str]:
    """After a failure that halts, no later task of the line is begun before something was done about it."""
    for connector_id, feed in evidence.events_of.items():
        name = evidence.names[connector_id]
        holding: set[int] = set()
        called: set[int] = set()
        for event in feed:
            holding.discard(event.sequence)
            if event.state == FAILED and _halts(evidence.task_at.get((connector_id, event.sequence))):
                holding.add(event.sequence)
            _note_call(called, event)
            if event.state == RUNNING and event.sequence not in called:
                first = min(holding, default=event.sequence)
                if first < event.sequence:
                    yield f"{name} {event.sequence}: begun at {event.position}, while {first} holds the line"


def in_line_order(evidence: Evidence) -> Iterator[str]:
    """Nothing is applied before an earlier task of its line, unless that one was passed over, or itself was called."""
    ledger = {(item.connector_id, item.position) for item in evidence.applied}
    for connector_id, feed in evidence.events_of.items():
        name = evidence.names[connector_id]
        ahead: set[int] = set()
        called: set[int] = set()
        for event in feed:
            if event.previous_state is None:
                ahead.add(event.sequence)
            elif event.state in (SUCCEEDED, SKIPPED, DELETED, WAITING) or _is_passed_over(evidence, event):
                ahead.discard(event.sequence)
            _note_call(called, event)
            if (connector_id, event.position) in ledger and event.sequence not in called:
                first = min(ahead, default=event.sequence)
                if first < event.sequence:
                    yield f"{name} {event.sequence}: applied at {event.position}, before {first}"


def dense_line(evidence: Evidence) -> Iterator[str]:
    """The numbers of a line have no hole, and its counter is where its last number is."""
    for connector in evidence.connectors:
        numbers = sorted(task.sequence for task in evidence.tasks if task.connector_id == connector.id)
        # What was removed by age is gone from the beginning of the line, and then the feed begins later as well.
        first = numbers[0] if numbers and connector.feed_floor else 1
        expected = list(range(first, connector.last_sequence + 1))
        if numbers != expected and (numbers or not connector.feed_floor):
            missing = sorted(set(expected) - set(numbers))[:3]
            yield f"{connector.name}: {len(numbers)} tasks up to {connector.last_sequence}; missing {missing}"


def _halts(task: TaskRow | None) -> bool:
    return task is not None and task.process_type not in (_SKIP_ON_ERROR, _DELETE_ON_ERROR)


def _is_passed_over(evidence: Evidence, event: Event) -> bool:
    return event.state == FAILED and not _halts(evidence.task_at.get((event.connector_id, event.sequence)))


def _note_call(called: set[int], event: Event) -> None:
    """Keep who is processed before the line: what an operator asked for, and what no longer waits."""
    is_call = event.state == PENDING and (bool(event.actor) or event.previous_state == WAITING)
    if is_call and event.previous_state is not None:
        called.add(event.sequence)


def _events(evidence: Evidence) -> int:
    return len(evidence.events)


CHECKS = (
    Check("S6 halt", "a failure that halts holds the line", _events, halted),
    Check("S7 order", "what is applied is in the order of the line", lambda ev: len(ev.applied), in_line_order),
    Check("S9 dense line", "the line has no hole", lambda ev: len(ev.tasks), dense_line),
)
