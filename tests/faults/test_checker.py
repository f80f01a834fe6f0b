"""The checker: content with what a bus left behind, and not with any of it doctored."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest
from faults.checker.checks import CHECKS
from faults.checker.evidence import Applied, Call, Entry, Evidence, Receipt, Watched
from faults.checker.loading import load
from faults.checker.states import FAILED, PENDING, RUNNING, SKIPPED, SUCCEEDED
from faults.checker.verdict import examine
from support.bench import Workbench
from support.clocks import ManualClock

from integrationbus.server.ids import new_id
from integrationbus.server.task import (
    NewTask,
    Payload,
    PayloadForm,
    ProcessType,
    TaskActionKind,
    TaskDataType,
    TaskType,
)

TESTS = Path(__file__).parents[1]

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Past:
    """A database that a bus has worked on, and what its callers and watchers noted."""

    url: str
    calls: Sequence[Call]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Successes, a deletion, a failure that was left, one that halted until it was skipped, and a retry."""
    url = f"sqlite:///{tmp_path_factory.mktemp('past') / 'bus.db'}"
    bodies: list[tuple[str, dict[str, object]]] = [
        ("DEFAULT", {"name": "left/a", "value": 1}),
        ("DEFAULT", {"name": "left/b", "value": 2, "do": "retry"}),
        ("SKIP_ON_ERROR", {"name": "left/b", "value": 3, "do": "fail"}),
        ("DEFAULT", {"name": "left/a", "value": 4}),
        ("DEFAULT", {"name": "left/a", "value": 5, "do": "fail"}),
        ("DEFAULT", {"name": "left/a", "value": 6}),
    ]
    tasks = [task(number, process, body) for number, (process, body) in enumerate(bodies, 1)]
    tasks.append(replace(tasks[0], id=new_id(), given_title="t7", task_type=TaskType.DELETE_OBJECT))
    clock = ManualClock()
    with Workbench(url, clock, ["faults.harness.registers:LeftConnector"]) as bus:
        bus.log(*tasks)
        bus.dispatcher.request_runs(["left"], clear_halt=False, actor="", reason="")
        bus.wait_until(lambda: bus.task(tasks[1].id), lambda seen: seen.next_attempt_at is not None)
        clock.advance(bus.store.task(tasks[1].id, with_payload=False).next_attempt_at - clock.now())  # type: ignore[operator] # waited for
        bus.workers["left"].poke()
        bus.wait_until(lambda: bus.task(tasks[4].id), lambda seen: seen.state.name == "FAILED")
        bus.act(TaskActionKind.SKIP, tasks[4].id)
        bus.settled(tasks[6].id)
    return Past(url, [call(number, each) for number, each in enumerate(tasks, 1)])


def task(number: int, process: str, body: dict[str, object]) -> NewTask:
    return NewTask(
        id=new_id(),
        connector="left",
        task_type=TaskType.CREATE_OBJECT,
        data_type=TaskDataType.SIMPLE_SNAPSHOT,
        process_type=ProcessType[process],
        given_title=f"t{number}",
        creator="tests",
        external_id=str(body["name"]),
        payload=Payload(form=PayloadForm.ENCODED, type_name="application/json", data=json.dumps(body).encode()),
    )


def call(number: int, logged: NewTask) -> Call:
    digest = hashlib.sha256(logged.payload.data).hexdigest()
    return Call(
        creator="tests",
        request_id=f"r{number}",
        invoked=float(number),
        returned=number + 0.5,
        outcome="ok",
        entries=[Entry(connector="left", title=logged.given_title, digest=digest)],
        receipts=[Receipt(id=logged.id, connector="left", sequence=number)],
    )


@pytest.fixture(scope="module")
def good(past: Past) -> Evidence:
    stored = load(past.url)
    watched = [Watched(watcher="w", kind="start", token={"left": 0})]
    watched += [
        Watched(
            watcher="w",
            kind="change",
            token={"left": event.position},
            connector="left",
            position=event.position,
            sequence=event.sequence,
            state=event.state,
        )
        for event in stored.events
    ]
    watched.append(Watched(watcher="w", kind="end", token={"left": stored.events[-1].position}))
    return replace(stored, calls=past.calls, watched=watched)


def broken(evidence: Evidence) -> set[str]:
    return {finding.name.split()[0] for finding in examine(evidence, CHECKS) if finding.violations}


def test_it_is_content_with_what_a_bus_left_behind(good: Evidence) -> None:
    assert [finding for finding in examine(good, CHECKS) if finding.violations] == []
    assert min(finding.looked_at for finding in examine(good, CHECKS)) > 0
    assert {item.state for item in good.tasks} == {SUCCEEDED, FAILED, SKIPPED}


def changed(rows: Sequence[_Row], place: int, **values: object) -> list[_Row]:
    return [
        replace(row, **values) if index == place % len(rows) else row  # type: ignore[type-var] # all rows are dataclasses
        for index, row in enumerate(rows)
    ]


def without(rows: Sequence[_Row], place: int) -> list[_Row]:
    return [row for index, row in enumerate(rows) if index != place % len(rows)]


def swapped(rows: Sequence[_Row], first: int, second: int) -> list[_Row]:
    changed_rows = list(rows)
    changed_rows[first], changed_rows[second] = rows[second], rows[first]
    return changed_rows


def place_of(evidence: Evidence, sequence: int, state: int) -> int:
    return next(i for i, event in enumerate(evidence.events) if (event.sequence, event.state) == (sequence, state))


def a_halt_that_was_passed(good: Evidence) -> Evidence:
    """Task 6 was begun before task 5, which had failed, was skipped."""
    skipped, begun = place_of(good, 5, SKIPPED), place_of(good, 6, RUNNING)
    moved = swapped(good.events, skipped, begun)
    positions = [event.position for event in good.events]
    return replace(good, events=[replace(event, position=at) for event, at in zip(moved, positions, strict=True)])


def an_overtaking(good: Evidence) -> Evidence:
    """Task 6 was applied while task 4 was in the line."""
    late = place_of(good, 4, SUCCEEDED)
    events = changed(good.events, late, state=PENDING)
    return replace(good, events=events, applied=[row for row in good.applied if row.sequence != 4])


DOCTORED: Sequence[tuple[str, str, Callable[[Evidence], Evidence]]] = (
    ("S1", "a lost task", lambda good: replace(good, tasks=without(good.tasks, -1))),
    ("S1", "another body", lambda good: replace(good, tasks=changed(good.tasks, 0, digest="other"))),
    ("S1", "another place", lambda good: replace(good, calls=changed(good.calls, 0, receipts=good.calls[1].receipts))),
    ("S2", "a task of nobody", lambda good: replace(good, calls=without(good.calls, 0))),
    ("S2", "a refused task", lambda good: replace(good, calls=changed(good.calls, 0, outcome="fail", receipts=()))),
    (
        "S2",
        "half a batch",
        lambda good: replace(
            good,
            calls=changed(
                good.calls, 0, entries=[*good.calls[0].entries, replace(good.calls[0].entries[0], title="x")]
            ),
        ),
    ),
    ("S2", "a doubled task", lambda good: replace(good, tasks=changed(good.tasks, 1, title="t1"))),
    ("S3", "a second answer", lambda good: replace(good, calls=changed(good.calls, 1, request_id="r1"))),
    ("S4", "applied twice", lambda good: replace(good, effects=[*(good.effects or ()), (good.effects or ())[0]])),
    ("S4", "never applied", lambda good: replace(good, effects=without(good.effects or (), 0))),
    ("S4", "applied in another order", lambda good: replace(good, effects=swapped(good.effects or (), 0, 2))),
    ("S4", "another value", lambda good: replace(good, registers={**good.registers, "left/b": 99})),
    ("S4", "no ledger line", lambda good: replace(good, applied=without(good.applied, 0))),
    (
        "S4",
        "a ledger line of a failure",
        lambda good: replace(good, applied=[*good.applied, Applied(connector_id=1, sequence=3, position=999, epoch=1)]),
    ),
    ("S5", "a failure without a reason", lambda good: replace(good, tasks=changed(good.tasks, 2, error=None))),
    ("S6", "a halt that was passed", a_halt_that_was_passed),
    ("S7", "an overtaking", an_overtaking),
    ("S8", "a late answer", lambda good: replace(good, calls=changed(good.calls, 0, invoked=10.0, returned=11.0))),
    (
        "S8",
        "a batch in another order",
        lambda good: replace(
            good, calls=changed(good.calls, 0, receipts=[good.calls[1].receipts[0], good.calls[0].receipts[0]])
        ),
    ),
    ("S9", "a hole in the line", lambda good: replace(good, tasks=without(good.tasks, 3))),
    ("S10", "an old epoch", lambda good: replace(good, attempts=changed(good.attempts, 0, epoch=9))),
    ("S10", "a stale ledger line", lambda good: replace(good, applied=changed(good.applied, 0, epoch=0))),
    ("S11", "a change from nowhere", lambda good: replace(good, events=changed(good.events, -1, state=PENDING))),
    ("S12", "a hole in the feed", lambda good: replace(good, events=without(good.events, 2))),
    (
        "S12",
        "a wrong count",
        lambda good: replace(
            good, connectors=changed(good.connectors, 0, counts={**good.connectors[0].counts, FAILED: 9})
        ),
    ),
    ("S13", "a change that was missed", lambda good: replace(good, watched=without(good.watched, 2))),
    ("S13", "a change that came twice", lambda good: replace(good, watched=[*good.watched[:3], *good.watched[2:]])),
    ("S13", "an end that came too early", lambda good: replace(good, watched=[*good.watched[:-2], good.watched[-1]])),
    ("S13", "another state", lambda good: replace(good, watched=changed(good.watched, 1, state=FAILED))),
    (
        "S14",
        "a token that says too much",
        lambda good: replace(good, watched=changed(good.watched, 1, token={"left": 3})),
    ),
    ("S17", "a lost attempt", lambda good: replace(good, attempts=without(good.attempts, 0))),
    ("S17", "an attempt without an end", lambda good: replace(good, attempts=changed(good.attempts, 0, outcome=None))),
    ("L", "a task that is left", lambda good: replace(good, tasks=changed(good.tasks, -1, state=PENDING))),
)


@pytest.mark.parametrize(
    ("promise", "doctor"), [case[::2] for case in DOCTORED], ids=[f"{case[0]} {case[1]}" for case in DOCTORED]
)
def test_it_finds(good: Evidence, promise: str, doctor: Callable[[Evidence], Evidence]) -> None:
    assert promise in broken(doctor(good))


def test_every_check_has_a_case_that_makes_it_red() -> None:
    assert {check.name.split()[0] for check in CHECKS} == {case[0] for case in DOCTORED}


@pytest.fixture
def files(tmp_path: Path, good: Evidence) -> tuple[Path, Path]:
    """The notes of callers and watchers as files; the last line broke off when its writer was killed."""
    history, watches = tmp_path / "history.jsonl", tmp_path / "watches.jsonl"
    history.write_text("".join(json.dumps(plain(each)) + "\n" for each in good.calls) + '{"creator": "te')
    watches.write_text("".join(json.dumps(plain(each)) + "\n" for each in good.watched))
    return history, watches


def plain(value: object) -> object:
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def test_it_is_a_program(past: Past, files: tuple[Path, Path]) -> None:
    history, watches = files

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "faults.checker", "--database", past.url, "--history", str(history), *more]
        return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)

    fine = run("--watches", str(watches))
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "S13 watch is feed" in fine.stdout
    history.write_text(history.read_text().splitlines()[0] + "\n")
    found = run("--json")
    assert found.returncode == 1
    [ghosts] = [each for each in json.loads(found.stdout) if each["name"] == "S2 no ghosts"]
    assert len(ghosts["violations"]) == 6
