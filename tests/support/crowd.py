"""Many connectors for the same people, so that there is something to share."""

from datetime import timedelta
from typing import Any

from integrationbus.connectors import RetryableError, RetryPolicy, TaskDataType, TaskType
from support.people import NotifiedConnector, PatientConnector, PeopleConnector

__all__ = ["CROWD", "NAMES"]


class FirstConnector(PeopleConnector):
    """One of the crowd, who puts off what it is told to do later."""

    name = "first"
    retry = RetryPolicy(max_attempts=5, initial_delay=timedelta(minutes=1))

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        if dict(obj).get("do") == "later":
            raise RetryableError("not now")
        return super().prepare_internal_object(obj, task_type, data_type, site_name)


class SecondConnector(PeopleConnector):
    """One of the crowd."""

    name = "second"


class ThirdConnector(PeopleConnector):
    """One of the crowd."""

    name = "third"


class FourthConnector(PatientConnector):
    """One of the crowd, who waits for what it misses."""

    name = "fourth"


class FifthConnector(NotifiedConnector):
    """One of the crowd, who has to be told."""

    name = "fifth"


class SixthConnector(NotifiedConnector):
    """One of the crowd, who has to be told."""

    name = "sixth"


_CLASSES = (FirstConnector, SecondConnector, ThirdConnector, FourthConnector, FifthConnector, SixthConnector)

CROWD = tuple(f"support.crowd:{each.__name__}" for each in _CLASSES)
NAMES = tuple(each.name for each in _CLASSES)
