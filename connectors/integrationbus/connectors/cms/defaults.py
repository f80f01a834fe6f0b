"""Column defaults that the shipped classes share."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.engine.default import DefaultExecutionContext

__all__ = ["now", "same_as"]


def now() -> datetime:
    """The present moment, for UtcDateTime columns."""
    return datetime.now(UTC)


def same_as(column: str) -> Callable[[DefaultExecutionContext], object]:
    """A default that repeats another column of the row being inserted; null when that column is not given either."""

    def value_of_column(context: DefaultExecutionContext) -> object:
        parameters = context.get_current_parameters()  # type: ignore[no-untyped-call] # SQLAlchemy's gap
        return parameters.get(column)

    return value_of_column
