"""What a failure means, by process type."""

from datetime import timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.databases import EVERYWHERE

from integrationbus.server.connector import HeadAction
from integrationbus.server.run import RunState
from integrationbus.server.task import ProcessType

pytestmark = pytest.mark.parametrize("database_url", EVERYWHERE, indirect=True)

BAD = {"do": "raise"}


def person(name: str, process_type: ProcessType = ProcessType.DEFAULT, **fields: object) -> dict[str, object]:
    return {"fields": {"name": name, **fields}, "process_type": process_type}


def test_tasks_are_applied_in_their_order(bus: Workbench) -> None:
    ids = bus.log(*(new_task({"name": "Ada", "age": age}) for age in (1, 2, 3)), new_task({"name": "Bob"}))
    run = bus.process()
    assert bus.states(ids) == ["SUCCEEDED"] * 4
    assert bus.fields_of("test.person", "Ada")["age"] == 3
    assert bus.names("test.person") == ["Ada", "Bob"]
    assert (run.state, run.counts.succeeded) == (RunState.COMPLETED, 4)
    effects = [task.result.effect.name for task in bus.all_tasks() if task.result]
    assert effects == ["CREATED", "UPDATED", "UPDATED", "CREATED"]


def test_a_failed_default_task_halts_its_connector(bus: Workbench) -> None:
    ids = bus.log(new_task({"name": "Ada"}), new_task(BAD), new_task({"name": "Bob"}))
    run = bus.process()
    assert bus.states(ids) == ["SUCCEEDED", "FAILED", "PENDING"]
    assert (run.state, run.halted_by) == (RunState.HALTED, ids[1])
    assert bus.task(ids[2]).blocked_by == ids[1]
    error = bus.task(ids[1]).last_error
    assert error
    assert (error.reason, error.message) == (
        "CONNECTOR_FAILED",
        "prepare_internal_object raised ValueError: no such luck",
    )
    [ticket] = bus.dispatcher.request_runs(["people"], clear_halt=False, actor="tests", reason="")
    assert ticket.outcome.name == "REFUSED_HALTED"


def test_resume_with_retry_tries_the_head_again(bus: Workbench) -> None:
    ids = bus.log(new_task(BAD), new_task({"name": "Bob"}))
    bus.process()
    run = bus.dispatcher.resume("people", HeadAction.RETRY, actor="tests", reason="again")
    assert bus.wait_for(run.id).state is RunState.HALTED
    assert bus.states(ids) == ["FAILED", "PENDING"]
    assert bus.task(ids[0]).attempt_count == 2


def test_resume_with_skip_or_delete_goes_on_behind_the_head(bus: Workbench) -> None:
    ids = bus.log(new_task(BAD), new_task({"name": "Bob"}), new_task(BAD), new_task({"name": "Cy"}))
    bus.process()
    run = bus.dispatcher.resume("people", HeadAction.SKIP, actor="tests", reason="")
    bus.wait_for(run.id)
    assert bus.states(ids) == ["SKIPPED", "SUCCEEDED", "FAILED", "PENDING"]
    run = bus.dispatcher.resume("people", HeadAction.DELETE, actor="tests", reason="")
    bus.wait_for(run.id)
    assert bus.states(ids) == ["SKIPPED", "SUCCEEDED", "DELETED", "SUCCEEDED"]
    assert bus.task(ids[2]).last_error, "a deleted task keeps its error"


def test_a_notify_that_clears_the_halt_tries_the_head_again(bus: Workbench) -> None:
    [task_id] = bus.log(new_task(BAD))
    bus.process()
    bus.process(clear_halt=True)
    assert bus.task(task_id).attempt_count == 2


def test_skip_on_error_goes_on_and_a_later_run_tries_again(bus: Workbench, clock: ManualClock) -> None:
    ids = bus.log(new_task(BAD, process_type=ProcessType.SKIP_ON_ERROR), new_task({"name": "Bob"}))
    run = bus.process()
    assert run.state is RunState.COMPLETED
    assert bus.states(ids) == ["FAILED", "SUCCEEDED"]
    bus.process()
    assert bus.task(ids[0]).attempt_count == 2, "its delay is zero, so the next run takes it"
    clock.advance(timedelta(days=1))
    for _ in range(20):
        bus.process()
    assert bus.task(ids[0]).attempt_count == bus.people.retry.max_failures, "it is not retried for ever"
    assert not bus.task(ids[0]).in_line


def test_delete_on_error_takes_the_task_out_and_keeps_its_error(bus: Workbench) -> None:
    ids = bus.log(new_task(BAD, process_type=ProcessType.DELETE_ON_ERROR), new_task({"name": "Bob"}))
    run = bus.process()
    assert bus.states(ids) == ["DELETED", "SUCCEEDED"]
    assert bus.task(ids[0]).last_error
    assert (run.counts.deleted, run.counts.succeeded) == (1, 1)


def test_skip_once_is_passed_over_by_the_first_run(bus: Workbench) -> None:
    ids = bus.log(
        new_task({"name": "Ada", "age": 1}),
        new_task({"name": "Ada", "age": 2}, process_type=ProcessType.SKIP_ONCE),
        new_task({"name": "Ada", "age": 3}),
    )
    run = bus.process()
    assert bus.states(ids) == ["SUCCEEDED", "SKIPPED", "SUCCEEDED"]
    assert run.counts.skipped == 1
    bus.process()
    assert bus.states(ids) == ["SUCCEEDED"] * 3
    assert bus.fields_of("test.person", "Ada")["age"] == 2, "later tasks overtook it"
    assert bus.task(ids[1]).process_type is ProcessType.SKIP_ONCE, "what the caller asked for stays on record"


def test_a_skip_once_task_that_fails_in_its_second_run_halts(bus: Workbench) -> None:
    ids = bus.log(new_task(BAD, process_type=ProcessType.SKIP_ONCE), new_task({"name": "Bob"}))
    bus.process()
    assert bus.process().state is RunState.HALTED
    assert bus.states(ids) == ["FAILED", "SUCCEEDED"]


def test_a_retryable_error_is_tried_again_in_its_place(bus: Workbench) -> None:
    bus.people.failures_left = 2
    ids = bus.log(new_task({"do": "retry", "name": "Ada"}), new_task({"name": "Bob"}))
    run = bus.process()
    assert bus.states(ids) == ["SUCCEEDED", "SUCCEEDED"]
    assert bus.task(ids[0]).attempt_count == 3
    assert run.counts.retried == 2
    assert bus.names("test.person") == ["Ada", "Bob"], "the line waited for it"


def test_retries_end_and_then_the_process_type_decides(bus: Workbench) -> None:
    bus.people.failures_left = 99
    [task_id] = bus.log(new_task({"do": "retry", "name": "Ada"}))
    assert bus.process().state is RunState.HALTED
    assert bus.task(task_id).attempt_count == bus.people.retry.max_attempts


def test_a_connector_that_exits_or_returns_nonsense_fails_its_task_only(bus: Workbench) -> None:
    later = ProcessType.SKIP_ON_ERROR
    ids = bus.log(*(new_task({"do": what}, process_type=later) for what in ("exit", "none", "wrong")))
    bus.log(new_task({"name": "Bob"}))
    bus.process()
    reasons = [error.reason for task_id in ids if (error := bus.task(task_id).last_error)]
    assert reasons == ["CONNECTOR_FAILED", "WRONG_OBJECT", "WRONG_OBJECT"]
    assert bus.names("test.person") == ["Bob"]


def test_one_bad_task_in_a_large_batch_fails_alone(bus: Workbench) -> None:
    good = [new_task({"name": f"p{number}"}) for number in range(300)]
    bad = new_task({"name": "x" * 51}, process_type=ProcessType.SKIP_ON_ERROR)
    bus.log(*good[:250], bad, *good[250:])
    run = bus.process()
    assert (run.counts.succeeded, run.counts.failed) == (300, 1)
    error = bus.task(bad.id).last_error
    assert error
    assert error.reason == "TARGET_REFUSED"
    assert error.field_paths == ("name",)


def test_keys_that_were_translated_in_a_batch_that_failed_are_forgotten(bus: Workbench) -> None:
    bus.log(*(new_task({"name": f"warm up {number}"}) for number in range(20)))
    bus.process()
    ids = bus.log(
        new_task({"name": "Ada"}, external_id="1"),
        new_task({"name": "Bob", "boss_id": "1"}),
        new_task({"name": "x" * 51}, process_type=ProcessType.SKIP_ON_ERROR),
    )
    bus.process()
    assert bus.states(ids) == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    ada = bus.task(ids[0]).result
    assert ada
    assert ada.effect.name == "CREATED", "what the failed batch had written was undone"
    assert bus.fields_of("test.person", "Bob")["boss_id"] == ada.object_id


def test_a_paused_connector_takes_tasks_and_waits(bus: Workbench) -> None:
    bus.dispatcher.pause("people", actor="Eve", reason="maintenance")
    ids = bus.log(new_task({"name": "Ada"}))
    [ticket] = bus.dispatcher.request_runs([], clear_halt=False, actor="tests", reason="")
    assert (ticket.outcome.name, ticket.message) == ("REFUSED_PAUSED", "maintenance")
    run = bus.dispatcher.resume("people", HeadAction.RETRY, actor="Eve", reason="")
    assert bus.wait_for(run.id).state is RunState.COMPLETED
    assert bus.states(ids) == ["SUCCEEDED"]
