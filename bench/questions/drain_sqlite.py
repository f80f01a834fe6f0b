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
        " attempts, the ledger and the changes. The limit does none of that but three statements for 500 tasks: to mark"
        " them RUNNING; to insert the objects; to mark them SUCCEEDED, with an event each."
    ),
    measure=lambda lab: drain_rows(lab, "sqlite", drain_by_rows, "three statements with executemany", 0.50),
    explanation=(
        "The limit writes three rows a task; exactly once with keys and a history takes eight: the task and its"
        " change when it is taken; the object and its external id; the task, its change, its attempt and the ledger"
        " when it is done. SQLite itself takes two fifths of the time: the rest is Python, of which the connector"
        " and what calls it are more than a third. Profile: claim 0.23, prepare 0.25, apply 0.21, settle 0.18. Tasks"
        " that follow one another and change alike are updated by their range, in 0.4 of the time of one by one; for"
        " others one UPDATE, from VALUES or from JSON, took longer than one for each. A run of the drains alone, a"
        " little later, gave 0.53 (0.34-0.56)."
    ),
)
