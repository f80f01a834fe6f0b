"""Accepted payloads, triggers and retries."""

import math
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from integrationbus.connectors import Accepts, Every, RetryPolicy


def test_accepts_everything_but_undeclared_messages_by_default() -> None:
    accepts = Accepts()
    assert list(accepts.names()) == ["record", "encoded:*/*", "object", "page"]
    assert accepts.accepts_content_type("text/csv")
    assert accepts.message_class("google.protobuf.Duration") is None


def test_messages_are_found_by_their_full_name() -> None:
    accepts = Accepts(record=False, messages=(Duration, Timestamp), content_types=(), prepared=False)
    assert accepts.message_class("google.protobuf.Timestamp") is Timestamp
    assert accepts.message_class("Timestamp") is None
    assert list(accepts.names()) == ["message:google.protobuf.Duration", "message:google.protobuf.Timestamp"]


@pytest.mark.parametrize("content_type", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"])
def test_case_and_parameters_of_a_content_type_do_not_matter(content_type: str) -> None:
    assert Accepts(content_types=("application/json",)).accepts_content_type(content_type)
    assert Accepts(content_types=("Application/JSON",)).accepts_content_type(content_type)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json+x", "*/*"])
def test_other_content_types_are_refused(content_type: str) -> None:
    assert not Accepts(content_types=("application/json",)).accepts_content_type(content_type)


def test_only_generated_classes_are_messages() -> None:
    with pytest.raises(TypeError, match="generated classes of protobuf messages, not int"):
        Accepts(messages=(int,))  # type: ignore[arg-type] # on purpose


def test_an_interval_is_at_least_a_second() -> None:
    assert Every(timedelta(seconds=1)).interval == timedelta(seconds=1)
    with pytest.raises(ValueError, match="at least one second"):
        Every(timedelta(milliseconds=999))


def test_the_delay_grows_by_the_multiplier_up_to_the_limit() -> None:
    policy = RetryPolicy(initial_delay=timedelta(seconds=2), multiplier=3, max_delay=timedelta(seconds=20))
    assert [policy.delay_after(failures).total_seconds() for failures in range(1, 5)] == [2, 6, 18, 20]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"max_failures": 0}, "max_failures"),
        ({"multiplier": 0.99}, "multiplier"),
        ({"multiplier": math.nan}, "multiplier"),
        ({"multiplier": math.inf}, "multiplier"),
        ({"initial_delay": timedelta(seconds=-1)}, "delays"),
        ({"initial_delay": timedelta(minutes=6)}, "delays"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        RetryPolicy(**arguments)  # type: ignore[arg-type] # pytest hands the arguments over as a mapping


@st.composite
def policies(draw: st.DrawFn) -> RetryPolicy:
    delay = st.timedeltas(min_value=timedelta(0), max_value=timedelta.max)
    initial, longest = sorted((draw(delay), draw(delay)))
    multiplier = draw(st.floats(min_value=1.0, allow_nan=False, allow_infinity=False))
    return RetryPolicy(initial_delay=initial, multiplier=multiplier, max_delay=longest)


@given(policies(), st.integers(min_value=1, max_value=200))
def test_delays_never_shrink_and_never_pass_the_limit(policy: RetryPolicy, failures: int) -> None:
    delay = policy.delay_after(failures)
    assert timedelta(0) <= delay <= policy.delay_after(failures + 1) <= policy.max_delay


@given(policies())
def test_the_first_delay_is_the_initial_one(policy: RetryPolicy) -> None:
    # Floating-point seconds hold microseconds exactly for 285 years only.
    assert abs(policy.delay_after(1) - policy.initial_delay) <= timedelta(milliseconds=1)


@pytest.mark.parametrize("accepts", [{"content_types": "application/json"}, {"messages": object}])
def test_what_is_accepted_is_given_in_tuples(accepts: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="must be a tuple"):
        Accepts(**accepts)  # type: ignore[arg-type] # on purpose
