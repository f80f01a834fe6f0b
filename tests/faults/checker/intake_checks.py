"""What callers were told about the tasks that they logged."""

from collections import defaultdict
from collections.abc import Iterator

from faults.checker.evidence import Call, Evidence, TaskRow
from faults.checker.verdict import Check

__all__ = ["CHECKS"]


def durable(evidence: Evidence) -> Iterator[str]:
    """Each task that was acknowledged is there as its caller described it, under the numbers of its receipt."""
    by_id = {task.id: task for task in evidence.tasks}
    for call in evidence.calls:
        if call.outcome != "ok":
            continue
        if len(call.receipts) != len(call.entries):
            yield f"{call.request_id}: {len(call.entries)} tasks were given, {len(call.receipts)} receipts came back"
        for entry, receipt in zip(call.entries, call.receipts, strict=False):
            task = by_id.get(receipt.id)
            if task is None:
                yield f"{entry.title}: acknowledged as {receipt.id}, and not there"
                continue
            stored = (evidence.names.get(task.connector_id), task.sequence, task.title, task.digest)
            if stored != (receipt.connector, receipt.sequence, entry.title, entry.digest):
                said = f"{receipt.connector} {receipt.sequence}"
                yield f"{entry.title}: acknowledged as {said}, stored as {stored[0]} {stored[1]} {stored[2]}"


def no_ghosts(evidence: Evidence) -> Iterator[str]:
    """Each task was asked for by a call that did not fail, and the tasks of a call are there together or not at all."""
    by_title: dict[str, list[TaskRow]] = defaultdict(list)
    for task in evidence.tasks:
        by_title[task.title].append(task)
    asked: set[str] = set()
    for calls in _requests(evidence).values():
        titles = [entry.title for entry in calls[0].entries]
        stored = sum(title in by_title for title in titles)
        if all(call.outcome == "fail" for call in calls):
            if stored:
                yield f"{calls[0].request_id}: every call was refused, yet {stored} of its tasks are there"
        elif stored not in (0, len(titles)):
            yield f"{calls[0].request_id}: {stored} of its {len(titles)} tasks are there"
        asked.update(entry.title for call in calls if call.outcome != "fail" for entry in call.entries)
    for title, tasks in by_title.items():
        if title not in asked:
            yield f"{title}: nobody asked for this task"
        if len(tasks) > 1:
            yield f"{title}: asked for once, there {len(tasks)} times"


def idempotent(evidence: Evidence) -> Iterator[str]:
    """All answers to one request are the same receipts."""
    for (creator, request_id), calls in _requests(evidence).items():
        answers = {tuple(receipt.id for receipt in call.receipts) for call in calls if call.outcome == "ok"}
        if len(answers) > 1:
            yield f"{creator} {request_id}: {len(answers)} different answers"
        accepted_bodies = {
            tuple(entry.digest for entry in call.entries) for call in calls if call.outcome in ("ok", "unknown")
        }
        if len(accepted_bodies) > 1:
            yield f"{creator} {request_id}: taken with {len(accepted_bodies)} different bodies"


def in_arrival_order(evidence: Evidence) -> Iterator[str]:
    """A call that began after another had its answer comes later in the line; the tasks of a call keep their order."""
    first_try: dict[tuple[str, str], float] = {key: calls[0].invoked for key, calls in _requests(evidence).items()}
    moments: dict[str, list[tuple[float, int, int, str]]] = defaultdict(list)
    for call in evidence.calls:
        if call.outcome != "ok":
            continue
        places: dict[str, list[int]] = defaultdict(list)
        for receipt in call.receipts:
            places[receipt.connector].append(receipt.sequence)
        for connector, sequences in places.items():
            if sequences != sorted(sequences):
                yield f"{call.request_id}: its tasks are in the line of {connector} in another order"
            # At equal times an answer counts as later, so that nothing is reported that may have been at once.
            began = first_try[call.creator, call.request_id]
            moments[connector].append((began, 0, min(sequences), call.request_id))
            moments[connector].append((call.returned, 1, max(sequences), call.request_id))
    for connector, line in moments.items():
        newest = 0
        for _, is_answer, sequence, request_id in sorted(line):
            if is_answer:
                newest = max(newest, sequence)
            elif sequence <= newest:
                yield f"{request_id}: number {sequence} of {connector}, though {newest} had its answer before"


def _requests(evidence: Evidence) -> dict[tuple[str, str], list[Call]]:
    """The calls by their request, each list in the order of time."""
    requests: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in sorted(evidence.calls, key=lambda call: call.invoked):
        requests[call.creator, call.request_id].append(call)
    return requests


def _tasks(evidence: Evidence) -> int:
    return len(evidence.tasks)


def _acknowledged(evidence: Evidence) -> int:
    return len(evidence.acknowledged)


CHECKS = (
    Check("S1 durable", "what was acknowledged is there", _acknowledged, durable),
    Check("S2 no ghosts", "what is there was asked for, as a whole", _tasks, no_ghosts),
    Check("S3 idempotent", "a repeated request has one answer", lambda evidence: len(evidence.calls), idempotent),
    Check("S8 arrival order", "later calls come later in the line", _acknowledged, in_arrival_order),
)
