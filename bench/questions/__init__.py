"""The questions, in the order in which they are asked."""

from bench.question import Question
from bench.questions import (
    backlog,
    batches,
    busy_code,
    client_stream,
    connectors,
    cost,
    door,
    drain_postgres,
    drain_sqlite,
    latency,
    one_caller,
    peers,
    unary,
    watchers,
)

__all__ = ["QUESTIONS"]

QUESTIONS: tuple[Question, ...] = (
    unary.QUESTION,
    one_caller.QUESTION,
    batches.QUESTION,
    drain_sqlite.QUESTION,
    drain_postgres.QUESTION,
    cost.QUESTION,
    client_stream.QUESTION,
    door.QUESTION,
    latency.QUESTION,
    watchers.QUESTION,
    backlog.QUESTION,
    connectors.QUESTION,
    busy_code.QUESTION,
    peers.QUESTION,
)
