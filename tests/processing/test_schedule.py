"""Runs by the clock."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.connectors import Cron, Every, OnLog, OnNotify
from integrationbus.server.processing.schedule import Schedule, clock_trigger

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_schedules_are_due_when_they_say() -> None:
    hourly = clock_trigger(Every(timedelta(hours=1)))
    nightly = clock_trigger(Cron("0 3 * * *"))
    assert hourly
    assert nightly
    assert hourly.get_next_fire_time(NOON, NOON) == NOON + timedelta(hours=1)
    assert nightly.get_next_fire_time(None, NOON) == datetime(2026, 1, 2, 3, tzinfo=UTC)


def test_a_cron_line_counts_in_its_time_zone_and_keeps_to_its_days() -> None:
    nightly = clock_trigger(Cron("0 3 * * mon-fri", "Europe/Prague"))
    assert nightly
    friday = datetime(2026, 3, 27, 1, 59, tzinfo=UTC)
    due = nightly.get_next_fire_time(None, friday)
    assert due == friday + timedelta(minutes=1)
    due = nightly.get_next_fire_time(due, due + timedelta(seconds=1))
    assert due == datetime(2026, 3, 30, 1, tzinfo=UTC), "on Monday, and an hour earlier in summer"


def test_other_triggers_are_not_of_the_clock() -> None:
    assert clock_trigger(OnLog()) is None
    assert clock_trigger(OnNotify()) is None


def test_a_malformed_cron_line_is_refused() -> None:
    with pytest.raises(ValueError, match="fields"):
        clock_trigger(Cron("every full moon"))


def test_schedules_are_shown_as_people_write_them() -> None:
    assert str(Every(timedelta(minutes=5))) == "every 0:05:00"
    assert str(Cron("0 3 * * *")) == "0 3 * * * (UTC)"


def test_a_schedule_calls_for_its_connectors_only(database_url: str, clock: ManualClock) -> None:
    called = threading.Event()
    names: list[str] = []

    def due(name: str) -> None:
        names.append(name)
        called.set()

    classes = ("support.people:PeopleConnector", "support.people:EverySecondConnector")
    with Workbench(database_url, clock, classes) as bus:
        schedule = Schedule(bus.registry, due)
        schedule.start()
        assert called.wait(timeout=10)
        schedule.stop()
        schedule.stop()
    assert set(names) == {"seconds"}


def test_a_scheduled_run_processes_the_line(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock, ("support.people:EverySecondConnector",)) as bus:
        ids = bus.log(new_task({"name": "Ada"}, connector="seconds"))
        bus.dispatcher.tasks_logged(["seconds"])
        bus.dispatcher.schedule_is_due("seconds")
        bus.wait_until(lambda: bus.states(ids), lambda states: states == ["SUCCEEDED"])
        bus.dispatcher.stop()
        [run] = bus.store.runs(None, before=None, limit=9)
        assert run.trigger.name == "SCHEDULE"
