"""What all campaigns of a test run found, as one table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faults.checker.verdict import Finding

__all__ = ["CampaignReport", "summary"]

_LOST = ("S1",)
_DOUBLED = ("S2", "S3", "S4")
_REORDERED = ("S6", "S7", "S8", "S9", "S12", "S13", "S14")


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

    def broken(self, checks: Iterable[str]) -> int:
        """How many violations there are of checks whose names begin so."""
        names = set(checks)
        return sum(len(each.violations) for each in self.findings if each.name.split()[0] in names)


def summary(reports: Sequence[CampaignReport]) -> list[str]:
    """The lines of the table, and one line below it for all."""
    width = max(len(report.name) for report in reports)
    numbers = f"{'faults':>6}  {'kills':>5}  {'taken over':>10}  {'acked':>7}"
    lines = [f"{'campaign':<{width}}  {numbers}  {'lost':>4}  {'doubled':>7}  {'reordered':>9}  {'other':>5}  seed"]
    for report in reports:
        lost, doubled, reordered = (report.broken(names) for names in (_LOST, _DOUBLED, _REORDERED))
        other = len(report.violations) - lost - doubled - reordered
        lines.append(
            f"{report.name:<{width}}  {report.faults:>6}  {report.kills:>5}  {report.takeovers:>10}  "
            f"{report.acknowledged:>7}  {lost:>4}  {doubled:>7}  {reordered:>9}  {other:>5}  {report.seed}"
        )
    waits = sorted(seconds for report in reports for seconds in report.recovery_seconds)
    if waits:
        middle, late = waits[len(waits) // 2], waits[min(len(waits) - 1, len(waits) * 99 // 100)]
        lines.append(f"work goes on after a restart within: p50 {middle:.2f} s, p99 {late:.2f} s, of {len(waits)}")
    return lines
