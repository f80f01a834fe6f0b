"""How many tasks a second a connector processes on SQLite."""

from bench.draining import drain_rows
from bench.prototype import drain_by_rows
from bench.question import Question

__all__ = ["QUESTION"]

QUESTION = Question(
    name="drain_sqlite",
    asks="How many tasks a second does a connector process, in order and exactly once, on SQLite?",
    includes=(
        "The bus reads the record, calls the connector, translates a foreign key, writes the object, the results, the"
        " attempts, the ledger and the changes. The limit does none of that but three statements for 200 tasks: to mark"
        " them RUNNING; to insert the objects; to mark them SUCCEEDED, with an event each."
    ),
    measure=lambda lab: drain_rows(lab, "sqlite", drain_by_rows, "three statements with executemany", 0.50),
)
