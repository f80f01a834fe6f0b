"""The queue without the bus: the same rows in the same tables, written by the driver of the database alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench import workload
from bench.bus import CONNECTORS, HELD
from bench.drivers import Driver, open_driver
from integrationbus.client import TaskType
from integrationbus.server.door import Door
from integrationbus.server.ids import new_id
from integrationbus.server.storage import schema

__all__ = ["RawQueue", "Rows", "raw_queue"]

Rows = Sequence[dict[str, Any]]


class RawQueue:
    """Tasks of the connector "held": one row in the line and one in the feed for each, as a server would store them.

    They are like a first task that the bus itself has stored, and so always of the present schema.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._task, self._event = (dict(driver.first_row(table)) for table in (schema.task, schema.task_event))
        self.connector_id = int(self._task["connector_id"])
        self.stored = 0
        for table in (schema.task_event, schema.task):
            driver.execute(f"DELETE FROM {table.name}")  # noqa: S608 - the name is that of the schema
        driver.execute("UPDATE connector_head SET last_sequence = 0, last_position = 0, pending = 0")

    def next_rows(self, count: int) -> tuple[Rows, Rows]:
        """The rows of the next persons, for the line and for the feed."""
        places = range(self.stored + 1, self.stored + count + 1)
        self.stored += count
        return [self._row(place) for place in places], [
            {**self._event, "sequence": place, "position": place} for place in places
        ]

    def insert(self, tasks: Rows, events: Rows) -> None:
        """Store rows in one transaction, with the counters of the connector."""
        with self._driver.transaction():
            self._driver.insert(schema.task, tasks)
            self._driver.insert(schema.task_event, events)
            self._driver.execute(
                f"UPDATE connector_head SET last_sequence = last_sequence + {len(tasks)},"  # noqa: S608 - numbers
                f" last_position = last_position + {len(tasks)}, pending = pending + {len(tasks)}"
                f" WHERE connector_id = {self.connector_id}"
            )

    def insert_one(self, task: dict[str, Any]) -> None:
        """Store a row of the line, and nothing else, in a transaction of its own."""
        self._driver.insert(schema.task, [task])

    def _row(self, place: int) -> dict[str, Any]:
        number = place - 1
        return {
            **self._task,
            "sequence": place,
            "position": place,
            "id": new_id(),
            "external_id": str(number),
            "payload": workload.record(number).SerializeToString(deterministic=True),
        }


@contextmanager
def raw_queue(url: str) -> Iterator[RawQueue]:
    """An empty queue in an empty database."""
    with Door(url, application=workload.APPLICATION, connectors=CONNECTORS, use_entry_points=False) as door:
        door.log_task(HELD, TaskType.CREATE_OBJECT, {"login": "template"}, external_id=0)
    driver = open_driver(url)
    try:
        yield RawQueue(driver)
    finally:
        driver.close()
