"""What a benchmark asks, and how it finds the answer."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bench.lab import Lab
from bench.measuring import Row

__all__ = ["Question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question: ``measure`` yields its rows as they are found, and raises what keeps it from going on.

    ``includes`` says what the figures do and do not include. ``explanation`` is written by hand, for targets that are
    not reached.
    """

    name: str
    asks: str
    includes: str
    measure: Callable[[Lab], AsyncIterator[Row]]
    explanation: str = ""
