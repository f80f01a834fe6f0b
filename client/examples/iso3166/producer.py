"""An application that knows ISO 3166 and logs all of it: 249 countries, then 5,046 subdivisions.

It needs the client and knows nothing of the server but its address. When the server goes away in the middle, it waits
for it, and what was in flight is not logged twice.
"""

import argparse
import sys
from collections.abc import Iterator
from uuid import uuid4

from catalogue import countries, subdivisions

from integrationbus.client import BusError, Client, Json, NewTask, ProcessType, TaskType

__all__ = ["main", "tasks"]

_CONNECTOR = "iso3166"


def tasks(batch: str) -> Iterator[NewTask]:
    """Every task in the order of the line: countries as protobuf messages, then subdivisions as JSON.

    One that fails must not hold up the others, therefore SKIP_ON_ERROR.
    """
    labels = {"batch": batch}
    for country in countries():
        yield NewTask(
            _CONNECTOR,
            TaskType.UPDATE_OBJECT,
            country,
            process_type=ProcessType.SKIP_ON_ERROR,
            object_type="iso3166.country",
            external_id=country.alpha_2,
            labels=labels,
            title=country.name,
        )
    for subdivision in subdivisions():
        yield NewTask(
            _CONNECTOR,
            TaskType.UPDATE_OBJECT,
            Json(subdivision),
            process_type=ProcessType.SKIP_ON_ERROR,
            object_type="iso3166.subdivision",
            external_id=subdivision["code"],
            labels=labels,
            title=f"{subdivision['name']} ({subdivision['code']})",
        )


def main() -> int:
    """Log everything and say how much that was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="where the server listens, for example 127.0.0.1:50051")
    parser.add_argument("--batch", default=uuid4().hex, help="the label that all tasks get (default: a new one)")
    options = parser.parse_args()
    try:
        with Client(options.address, application="iso3166-producer") as client:
            receipt = client.log_tasks(tasks(options.batch))
    except BusError as error:
        print(f"nothing more can be logged: {error}", file=sys.stderr)
        return 1
    print(f"logged {len(receipt.logged):,} tasks in the batch {options.batch}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
