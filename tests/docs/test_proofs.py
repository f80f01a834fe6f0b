"""Every value of every enumeration is brought about on a real bus by a test: here stands by which."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from integrationbus.v1 import enums_pb2

ROOT = Path(__file__).parents[2]

WHOLE = {
    "Dependency": "docs/test_tables.py::test_missing_targets_mean_what_the_table_says",
    "MissingKeyAction": "docs/test_tables.py::test_missing_keys_do_what_the_table_says",
    "ProcessType": "docs/test_tables.py::test_failures_mean_what_the_table_says",
    "SnapshotHandling": "docs/test_tables.py::test_parts_that_are_not_mentioned_go_or_stay_as_the_table_says",
    "Switch": "server/test_operator_calls.py::test_the_switches_of_the_bus_stop_what_they_say",
    "TaskEffect": "docs/test_tables.py::test_every_task_type_and_every_effect_is_in_these_tables",
    "TaskType": "docs/test_tables.py::test_task_types_do_what_the_tables_say",
}
"""Tests that take the values from the enumeration, or from its table in the guide, one by one."""

_ATTEMPTS = "server/test_attempts_on_record.py"
_STATES = "server/test_states_and_triggers.py"
_TYPES = "processing/test_process_types.py"
_HELD = "processing/test_held_runs.py"
_CALLS = "server/test_operator_calls.py"

ONE_BY_ONE: dict[str, dict[str, tuple[str, ...]]] = {
    "AttemptOutcome": {
        f"{_ATTEMPTS}::test_a_task_that_waited_and_then_succeeded_says_so": ("SUCCEEDED", "WAITING"),
        f"{_ATTEMPTS}::test_what_was_taken_along_with_a_task_that_halts_is_released_without_blame": (
            "FAILED",
            "RELEASED",
        ),
        f"{_ATTEMPTS}::test_an_attempt_during_which_the_process_died_is_crashed": ("CRASHED",),
    },
    "CheckOutcome": {
        "rpc/test_describing_connectors.py::test_a_check_finds_what_deserves_a_look_and_passes_the_rest": (
            "PASSED",
            "WARNING",
        ),
        "rpc/test_describing_connectors.py::test_tables_that_changed_since_the_start_fail_and_nothing_is_repaired": (
            "FAILED",
        ),
    },
    "ConnectorState": {
        f"{_STATES}::test_a_connector_that_several_things_hold_shows_the_first": (
            "IDLE",
            "RUNNING",
            "HALTED",
            "PAUSED",
            "UNHEALTHY",
            "DISABLED",
        ),
    },
    "HeadAction": {
        f"{_HELD}::test_a_resume_whose_head_succeeds_goes_on_in_the_order_behind_it": ("RETRY",),
        f"{_TYPES}::test_resume_with_skip_or_delete_goes_on_behind_the_head": ("SKIP", "DELETE"),
    },
    "NotifyOutcome": {
        "rpc/test_operating.py::test_only_a_notify_starts_a_connector_that_waits_for_it": ("STARTED",),
        "processing/test_runs.py::test_a_notify_during_a_run_joins_it_and_the_run_looks_again": ("COALESCED",),
        f"{_TYPES}::test_a_failed_default_task_halts_its_connector": ("REFUSED_HALTED",),
        f"{_TYPES}::test_a_paused_connector_takes_tasks_and_waits": ("REFUSED_PAUSED",),
        "rpc/test_operating.py::test_a_notify_for_all_answers_for_each": ("REFUSED_UNHEALTHY",),
        f"{_CALLS}::test_a_connector_that_is_switched_off_takes_nothing_and_runs_nothing": ("REFUSED_DISABLED",),
    },
    "RunState": {
        "processing/test_delays.py::test_a_run_that_only_waits_is_on_record_and_can_be_cancelled": (
            "RUNNING",
            "CANCELLED",
        ),
        f"{_TYPES}::test_tasks_are_applied_in_their_order": ("COMPLETED",),
        f"{_TYPES}::test_a_failed_default_task_halts_its_connector": ("HALTED",),
        f"{_HELD}::test_a_hold_in_the_middle_of_a_run_ends_it_and_outlives_a_restart": ("STOPPED",),
        f"{_ATTEMPTS}::test_an_attempt_during_which_the_process_died_is_crashed": ("INTERRUPTED",),
    },
    "RunTrigger": {
        f"{_STATES}::test_what_started_a_run_is_on_record": ("LOG", "NOTIFY", "SCHEDULE", "RESUME", "CALL"),
        f"{_ATTEMPTS}::test_an_attempt_during_which_the_process_died_is_crashed": ("STARTUP",),
    },
    "TaskDataType": {
        "processing/test_keys.py::test_simple_tasks_hold_internal_ids": ("SIMPLE",),
        "processing/test_snapshots.py::test_parts_stay_out_of_a_task_that_is_no_snapshot": ("SIMPLE_SNAPSHOT",),
        f"{_CALLS}::test_a_snapshot_that_the_caller_prepared": ("SNAPSHOT",),
    },
    "TaskStage": {
        f"{_ATTEMPTS}::test_a_payload_that_the_connector_takes_no_longer_fails_at_the_stage_decode": ("DECODE",),
        f"{_ATTEMPTS}::test_an_error_names_the_stage_that_it_comes_from": ("PREPARE", "TRANSLATE", "APPLY"),
    },
    "TaskState": {
        "store/test_store_contract.py::test_a_claim_marks_tasks_running_and_a_settlement_ends_them": (
            "PENDING",
            "RUNNING",
            "SUCCEEDED",
        ),
        "processing/test_delays.py::test_what_is_done_with_a_task_ends_the_wait_for_it": ("RETRY_WAIT",),
        f"{_TYPES}::test_skip_on_error_goes_on_and_a_later_run_tries_again": ("FAILED",),
        f"{_TYPES}::test_skip_once_is_passed_over_by_the_first_run": ("SKIPPED",),
        f"{_TYPES}::test_delete_on_error_takes_the_task_out_and_keeps_its_error": ("DELETED",),
        f"{_CALLS}::test_a_task_can_wait_and_says_for_what": ("WAITING",),
    },
    "TaskView": {"rpc/test_wire.py::test_a_page_is_as_long_as_asked_however_it_is_read": ("BASIC", "FULL")},
    "TriggerMode": {
        f"{_STATES}::test_a_connector_that_several_things_hold_shows_the_first": ("ON_LOG", "ON_NOTIFY", "ON_SCHEDULE"),
    },
}
"""For each enumeration the tests that bring about single values of it."""


def short_names(enum: str) -> list[str]:
    """The values of an enumeration without their prefix, and without the one that stands for nothing."""
    values = enums_pb2.DESCRIPTOR.enum_types_by_name[enum].values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return sorted(value.name.removeprefix(prefix) for value in values if value.number)


@cache
def definitions(path: Path) -> dict[str, str]:
    """The source of everything that a file defines at its top, by name, with decorators."""
    text = path.read_text()
    lines = text.splitlines()
    return {name: "\n".join(lines[first - 1 : last]) for name, first, last in _spans(ast.parse(text))}


def _spans(module: ast.Module) -> Iterator[tuple[str, int, int]]:
    for node in module.body:
        assert node.end_lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            yield node.name, first, node.end_lineno
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        yield name.id, node.lineno, node.end_lineno


def source_of(test: str) -> str:
    """The source of a test, with everything of its file that it uses."""
    path, _, name = test.partition("::")
    found = definitions(ROOT / "tests" / path)
    assert name in found, f"there is no test {test}"
    used, newest = {name}, {name}
    while newest:
        words = {word for item in newest for word in re.findall(r"\w+", found[item])}
        newest = (words & found.keys()) - used
        used |= newest
    return "\n".join(found[item] for item in sorted(used))


def test_there_is_a_proof_for_every_value_and_for_no_other() -> None:
    named = {enum: sorted(value for values in tests.values() for value in values) for enum, tests in ONE_BY_ONE.items()}
    assert named == {enum: short_names(enum) for enum in ONE_BY_ONE}
    assert sorted([*WHOLE, *ONE_BY_ONE]) == sorted(enums_pb2.DESCRIPTOR.enum_types_by_name)


@pytest.mark.parametrize("enum", sorted(WHOLE))
def test_a_proof_of_a_whole_enumeration_takes_its_values_from_it(enum: str) -> None:
    assert re.search(rf'rows_of\("`{enum}`"\)|(list|in|set\(?)[ (]{enum}\b', source_of(WHOLE[enum]))


@pytest.mark.parametrize(("test", "values"), [item for tests in ONE_BY_ONE.values() for item in tests.items()], ids=str)
def test_a_proof_of_single_values_names_them(test: str, values: tuple[str, ...]) -> None:
    source = source_of(test)
    assert [value for value in values if not re.search(rf"(?<![A-Za-z]){value}\b", source)] == []
