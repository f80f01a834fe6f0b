"""What type checkers see of the server's own values. Never run: ``test_public_types`` lets mypy read it.

A line with ``type: ignore`` must be an error, or mypy says that it is not needed.
"""

from integrationbus.server.log_entries import LogEntry
from integrationbus.server.task import NewTask


def a_value_is_frozen_although_nothing_stops_it_at_run_time(entry: LogEntry, task: NewTask) -> None:
    entry.tasks = [task]  # type: ignore[misc]
    task.connector = "crm"  # type: ignore[misc]


def a_value_takes_its_fields_by_name(task: NewTask) -> LogEntry:
    LogEntry([task])  # type: ignore[call-arg]
    return LogEntry(tasks=[task])
