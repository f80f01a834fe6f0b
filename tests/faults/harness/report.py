"""What all campaigns of a test run found, as one table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from faults.checker.verdict import Finding

__all__ = ["CampaignReport", "Row", "summary"]

Row: TypeAlias = dict[str, Any]
"""A campaign in the table, of plain values: tests may run in other processes than the one that prints it."""

_LOST = ("S1",)
_DOUBLED = ("S2", "S3", "S4")
_REORDERED = ("S6", "S7", "S8", "S9", "S12", "S13", "S14")
_WAITS = "recovery seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """One campaign: how often something was broken, and what the checker found afterwards.

    ``recovery_seconds`` are from each restart to the first change that a run made, where there was something to do.
    """

    name: str
    seed: str
    faults: int
    kills: int
    takeovers: int
    acknowledged: int
    findings: Sequence[Finding]
    recovery_seconds: Sequence[float]

    @property
    def violations(self) -> list[str]:
        """Everything that the checker found."""
        return [f"{finding.name}: {text}" for finding in self.findings for text in finding.violations]

    def row(self) -> Row:
        """What the table needs."""
        lost, doubled, reordered = map(self._broken, (_LOST, _DOUBLED, _REORDERED))
        return {
            "campaign": self.name,
            "faults": self.faults,
            "kills": self.kills,
            "taken over": self.takeovers,
            "acked": self.acknowledged,
            "lost": lost,
            "doubled": doubled,
            "reordered": reordered,
            "other": len(self.violations) - lost - doubled - reordered,
            "seed": self.seed,
            _WAITS: list(self.recovery_seconds),
        }

    def _broken(self, checks: Iterable[str]) -> int:
        """How many violations there are of checks whose names begin so."""
        names = set(checks)
        return sum(len(each.violations) for each in self.findings if each.name.split()[0] in names)


def summary(rows: Sequence[Row]) -> list[str]:
    """The lines of the table, and one line below it for all."""
    columns = [name for name in rows[0] if name != _WAITS]
    lines = [columns, *([str(row[name]) for name in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    shown = [_line(cells, widths) for cells in lines]
    waits = sorted(seconds for row in rows for seconds in row[_WAITS])
    if waits:
        middle, late = waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
        shown.append(f"work goes on after a restart within: p50 {middle:.2f} s, p99 {late:.2f} s, of {len(waits)}")
    return shown


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Numbers to the right, the name of the campaign to the left."""
    name, *numbers = cells
    return "  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
