"""How many tasks a second a connector processes on PostgreSQL."""

from bench.draining import drain_rows
from bench.prototype import drain_by_sets
from bench.question import Question

__all__ = ["QUESTION"]

QUESTION = Question(
    name="drain_postgres",
    asks="How many tasks a second does a connector process, in order and exactly once, on PostgreSQL?",
    includes=("As drain_sqlite; the statements of the limit take all rows of a batch at once, as arrays."),
    measure=lambda lab: drain_rows(lab, "postgresql", drain_by_sets, "three statements with unnest", 0.50),
    explanation=(
        "The bus does what drain_sqlite says. The database works on the statements for more than half of the time,"
        " and the connector's thread for the rest. The two updates of the task cost most, then the rows that are"
        " inserted by COPY; that none of them looks for its task any more took the work of the database to 0.7."
        " Statements about many rows are planned each time: plans for any values made batches 2.3 x slower. Room on"
        " the pages for the updates (fillfactor) gained nothing either. A run of the drains alone, since objects go"
        " by COPY as well, gave 0.51 (0.51-0.54)."
    ),
)
