"""What follows from a failed attempt, for any task and any policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.bench import new_task

from integrationbus.connectors.policies import RetryPolicy
from integrationbus.server.policy import Verdict, after_failure
from integrationbus.server.task import ProcessType, Task, TaskState, task_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SECONDS = st.integers(0, 10_000).map(lambda seconds: timedelta(seconds=seconds))

policies = st.builds(
    lambda delays, **numbers: RetryPolicy(initial_delay=min(delays), max_delay=max(delays), **numbers),
    st.tuples(SECONDS, SECONDS),
    max_attempts=st.integers(1, 5),
    max_failures=st.integers(1, 5),
    multiplier=st.floats(1, 10),
)
tasks = st.builds(
    lambda process_type, **values: replace(task_of(new_task({}, process_type=process_type), NOW), **values),
    st.sampled_from(ProcessType),
    passed_over=st.booleans(),
    retry_count=st.integers(0, 6),
    failure_count=st.integers(0, 6),
)
VERDICTS = {
    ProcessType.DEFAULT: {Verdict.HALT},
    ProcessType.SKIP_ONCE: {Verdict.HALT},
    ProcessType.SKIP_ON_ERROR: {Verdict.TRY_IN_LATER_RUN, Verdict.GIVE_UP},
    ProcessType.DELETE_ON_ERROR: {Verdict.DELETE},
}


@given(tasks, st.booleans(), policies)
def test_a_retry_comes_exactly_while_attempts_are_left(task: Task, retryable: bool, policy: RetryPolicy) -> None:
    after = after_failure(task, retryable=retryable, policy=policy, now=NOW)
    attempts_left = policy.max_attempts - (task.retry_count + 1)
    assert (after.verdict is Verdict.RETRY) == (retryable and attempts_left > 0)


@given(tasks, policies)
def test_then_the_process_type_decides_and_one_that_was_passed_over_counts_as_default(
    task: Task, policy: RetryPolicy
) -> None:
    after = after_failure(task, retryable=False, policy=policy, now=NOW)
    counts_as = ProcessType.DEFAULT if task.passed_over else task.process_type
    assert after.verdict in VERDICTS[counts_as]


@given(tasks, policies)
def test_later_runs_try_again_until_a_task_failed_as_often_as_it_may(task: Task, policy: RetryPolicy) -> None:
    skipped = replace(task, process_type=ProcessType.SKIP_ON_ERROR, passed_over=False)
    after = after_failure(skipped, retryable=False, policy=policy, now=NOW)
    assert (after.verdict is Verdict.GIVE_UP) == (task.failure_count + 1 >= policy.max_failures)


@given(tasks, st.booleans(), policies)
def test_what_is_tried_again_has_a_date_within_the_delays_and_nothing_else_has(
    task: Task, retryable: bool, policy: RetryPolicy
) -> None:
    after = after_failure(task, retryable=retryable, policy=policy, now=NOW)
    assert (after.next_attempt_at is not None) == (after.verdict in (Verdict.RETRY, Verdict.TRY_IN_LATER_RUN))
    if after.next_attempt_at:
        assert policy.initial_delay <= after.next_attempt_at - NOW <= policy.max_delay


@given(tasks, st.booleans(), policies)
def test_only_a_deletion_takes_the_task_out_of_the_queue(task: Task, retryable: bool, policy: RetryPolicy) -> None:
    verdict = after_failure(task, retryable=retryable, policy=policy, now=NOW).verdict
    assert (verdict.state is TaskState.DELETED) == (verdict is Verdict.DELETE)
    assert not (verdict.stays_in_line and verdict.state is TaskState.DELETED)


@given(policies, st.integers(1, 20))
def test_delays_never_shrink(policy: RetryPolicy, failures: int) -> None:
    assert policy.delay_after(failures) <= policy.delay_after(failures + 1)
