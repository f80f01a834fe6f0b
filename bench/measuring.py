"""What a measurement is: the median of several runs with their range, beside its limit in the same rounds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Answer", "Figure", "Row", "Target", "percentile", "ratio", "value"]


@dataclass(frozen=True, slots=True)
class Figure:
    """The results of several runs, one for each round, in their order."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.runs)

    @property
    def low(self) -> float:
        """The smallest one."""
        return min(self.runs)

    @property
    def high(self) -> float:
        """The largest one."""
        return max(self.runs)

    def over(self, other: "Figure") -> "Figure":
        """The ratio to another one, round by round."""
        return Figure(tuple(own / its if its else math.nan for own, its in zip(self.runs, other.runs, strict=True)))


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached: a bound of a row's value, in its unit, or of its ratio to the limit."""

    of: Literal["value", "ratio"]
    sign: Literal[">=", "<="]
    bound: float

    def reached(self, seen: float) -> bool:
        """Whether a value, or a ratio, is good enough."""
        return seen >= self.bound if self.sign == ">=" else seen <= self.bound


def ratio(sign: Literal[">=", "<="], bound: float) -> Target:
    """A target for the ratio to the limit."""
    return Target("ratio", sign, bound)


def value(sign: Literal[">=", "<="], bound: float) -> Target:
    """A target for the value itself."""
    return Target("value", sign, bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``limit_name`` says what the limit is; without ``limit`` there is no ratio.

    Rows with a ``column`` are cells instead, of a table with a line for each subject. One without figures is only
    there for its remark.
    """

    subject: str
    unit: str
    ours: Figure | None
    limit: Figure | None = None
    limit_name: str = ""
    target: Target | None = None
    column: str = ""
    remark: str = ""

    @property
    def ratio(self) -> Figure | None:
        """Ours by the limit, round by round."""
        return None if self.limit is None or self.ours is None else self.ours.over(self.limit)

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        seen = self.ours if self.target.of == "value" else self.ratio
        return seen is not None and self.target.reached(seen.median)


@dataclass(slots=True)
class Answer:
    """What became of a question: its rows so far, and why there are no more of them."""

    name: str
    rows: list[Row] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value below which a share of the samples lies, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] * 1000
