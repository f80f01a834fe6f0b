"""Connectors that wait before they try again, one for each way to be started."""

from datetime import timedelta

from integrationbus.connectors import OnNotify, RetryPolicy
from support.people import PeopleConnector

__all__ = ["DELAY", "MAX_ATTEMPTS", "MAX_FAILURES", "EagerConnector", "LazyConnector"]

DELAY = timedelta(minutes=20)
"""The first one. It doubles, once: far more than a test takes, so that only a manual clock ends it."""
MAX_ATTEMPTS, MAX_FAILURES = 3, 5

_RETRY = RetryPolicy(
    max_attempts=MAX_ATTEMPTS, max_failures=MAX_FAILURES, initial_delay=DELAY, multiplier=2, max_delay=2 * DELAY
)


class EagerConnector(PeopleConnector):
    """People, as soon as they are logged."""

    name = "eager"
    retry = _RETRY


class LazyConnector(PeopleConnector):
    """People, when a notify asks for them."""

    name = "lazy"
    retry = _RETRY
    trigger = OnNotify()
