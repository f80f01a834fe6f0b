"""What became of tasks, and what they did to the target."""

import json
from collections import defaultdict
from collections.abc import Iterator

from faults.checker.evidence import Effect, Evidence
from faults.checker.states import DELETED, FAILED, NAMES, OPEN_STATES, RETRY_WAIT, SUCCEEDED
from faults.checker.verdict import Check

__all__ = ["CHECKS"]

_DELETE_OBJECT = 3


def applied_once(evidence: Evidence) -> Iterator[str]:
    """A task has a line in the ledger if it succeeded, and no other has one; it is that of its last change."""
    ledger = {(item.connector_id, item.sequence): item for item in evidence.applied}
    for key, task in evidence.task_at.items():
        if (task.state == SUCCEEDED) != (key in ledger):
            yield f"{_name(evidence, key)}: {NAMES[task.state]}, {'in' if key in ledger else 'not in'} the ledger"
        elif key in ledger and ledger[key].position != task.position:
            yield f"{_name(evidence, key)}: applied at {ledger[key].position}, its last change is {task.position}"
    for key in sorted(ledger.keys() - evidence.task_at.keys()):
        yield f"{_name(evidence, key)}: in the ledger, and no task"


def replayed(evidence: Evidence) -> Iterator[str]:
    """What the ledger says, replayed in its order, is what the target table saw of each register, write for write."""
    if evidence.effects is None:
        return
    expected: dict[str, list[Effect]] = defaultdict(list)
    values: dict[str, int] = {}
    for item in sorted(evidence.applied, key=lambda item: (item.connector_id, item.position)):
        task = evidence.task_at.get((item.connector_id, item.sequence))
        if task is not None:
            owner = evidence.names[item.connector_id]
            for effect in _effects_of(owner, task.task_type, json.loads(task.payload), values):
                expected[effect.name].append(effect)
    seen: dict[str, list[Effect]] = defaultdict(list)
    for effect in evidence.effects:
        seen[effect.name].append(effect)
    # One transaction may write different registers in any order.
    for name in sorted(expected.keys() | seen.keys()):
        yield from _differences(name, expected[name], seen[name])
    for name in sorted(values.keys() | evidence.registers.keys()):
        if values.get(name) != evidence.registers.get(name):
            yield f"{name}: is {evidence.registers.get(name)}, the ledger makes it {values.get(name)}"


def accounted_for(evidence: Evidence) -> Iterator[str]:
    """A task that failed, was deleted for its error or is to be tried again says why, and was tried."""
    for key, task in evidence.task_at.items():
        attempts = evidence.attempts_of.get(key, ())
        last = evidence.chain_of[key][-1] if evidence.chain_of.get(key) else None
        deleted_by_error = task.state == DELETED and last is not None and not last.actor
        if (task.state in (FAILED, RETRY_WAIT) or deleted_by_error) and not (task.error and attempts):
            yield f"{_name(evidence, key)}: {NAMES[task.state]} without an error or an attempt"
        if task.state not in NAMES:
            yield f"{_name(evidence, key)}: in state {task.state}"


def drained(evidence: Evidence) -> Iterator[str]:
    """Nothing is left to do, but behind a halt."""
    held = {item.id: item.halted_sequence for item in evidence.connectors if item.halted_sequence is not None}
    for key, task in evidence.task_at.items():
        if task.state in OPEN_STATES and key[0] not in held:
            yield f"{_name(evidence, key)}: still {NAMES[task.state]}"


def _effects_of(owner: str, task_type: int, payload: dict[str, object], values: dict[str, int]) -> list[Effect]:
    """What a task does to the registers; ``values`` moves on."""
    name = str(payload["name"])
    if task_type == _DELETE_OBJECT:
        if name not in values:
            return []
        return [Effect(owner=owner, operation="D", name=name, value=values.pop(name))]
    operation = "U" if name in values else "I"
    values[name] = int(str(payload["value"]))
    return [Effect(owner=owner, operation=operation, name=name, value=values[name])]


def _differences(name: str, expected: list[Effect], seen: list[Effect]) -> Iterator[str]:
    for place, (wanted, effect) in enumerate(zip(expected, seen, strict=False)):
        if wanted != effect:
            yield f"{name}: write {place} should be {_text(wanted)}, the target saw {_text(effect)}"
            return
    if len(expected) != len(seen):
        yield f"{name}: the ledger makes {len(expected)} writes, the target saw {len(seen)}"


def _text(effect: Effect) -> str:
    return f"{effect.operation} {effect.name}={effect.value}"


def _name(evidence: Evidence, key: tuple[int, int]) -> str:
    return f"{evidence.names.get(key[0], key[0])} {key[1]}"


def _tasks(evidence: Evidence) -> int:
    return len(evidence.tasks)


CHECKS = (
    Check("S4 ledger", "succeeded is applied, and nothing else is", _tasks, applied_once),
    Check("S4 replay", "the ledger makes what the target saw", lambda ev: len(ev.effects or ()), replayed),
    Check("S5 accounted for", "every failure says why", _tasks, accounted_for),
    Check("L drained", "nothing is left to do", _tasks, drained),
)
