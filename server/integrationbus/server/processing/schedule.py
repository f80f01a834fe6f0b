"""Runs by the clock: APScheduler decides when, the dispatcher what."""

from collections.abc import Callable
from datetime import datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from integrationbus.connectors.policies import Cron, Every, Trigger
from integrationbus.server.registry import ConnectorRegistry

__all__ = ["Schedule", "clock_trigger"]


class Schedule:
    """Calls ``due`` with the name of each connector whose schedule says so, on a thread of its own."""

    def __init__(self, registry: ConnectorRegistry, due: Callable[[str], None]) -> None:
        # A trigger that was missed while the machine slept counts once, however late.
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": None}
        )
        for item in registry.connectors:
            trigger = clock_trigger(item.connector.trigger) if item.connector else None
            if trigger is not None:
                self._scheduler.add_job(due, trigger, args=[item.name], id=item.name)

    def start(self) -> None:
        """Begin to watch the clock."""
        if self._scheduler.get_jobs():
            self._scheduler.start()

    def next_due(self, connector: str) -> datetime | None:
        """When the clock starts the next run of a connector; None when it starts none."""
        job = self._scheduler.get_job(connector)
        # A job has no such time before the scheduler starts.
        due: datetime | None = getattr(job, "next_run_time", None)
        return due

    def stop(self) -> None:
        """Start nothing any more."""
        if self._scheduler.running:
            self._scheduler.shutdown()


def clock_trigger(trigger: Trigger) -> BaseTrigger | None:
    """When a trigger fires by the clock; None for one that does not. Raises ValueError for a bad cron line."""
    match trigger:
        case Every(interval):
            return IntervalTrigger(seconds=interval.total_seconds(), timezone="UTC")
        case Cron(expression, timezone):
            try:
                return CronTrigger.from_crontab(expression, timezone=timezone)
            except KeyError as error:
                raise ValueError(f"there is no time zone {timezone!r}") from error
        case _:
            return None
