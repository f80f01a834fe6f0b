"""Checks, and the table of what they found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from faults.checker.evidence import Evidence

__all__ = ["Check", "Finding", "examine", "table"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """A promise: its name, what it says, how much of the evidence it is about, and what breaks it."""

    name: str
    promise: str
    size: Callable[[Evidence], int]
    violations: Callable[[Evidence], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: how many things it looked at, and what breaks the promise."""

    name: str
    promise: str
    looked_at: int
    violations: Sequence[str]


def examine(evidence: Evidence, checks: Sequence[Check]) -> list[Finding]:
    """Run the checks, in their order."""
    return [
        Finding(
            name=check.name,
            promise=check.promise,
            looked_at=check.size(evidence),
            violations=list(check.violations(evidence)),
        )
        for check in checks
    ]


def table(findings: Sequence[Finding]) -> str:
    """The findings for people: one line a check, and the first violations of each below it."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        broken = len(finding.violations)
        lines.append(f"{finding.name:<{width}}  {finding.looked_at:>7}  {broken:>7}  {finding.promise}")
        lines += [f"{'':<{width}}  {violation}" for violation in finding.violations[:_SHOWN]]
        if broken > _SHOWN:
            lines.append(f"{'':<{width}}  and {broken - _SHOWN} more")
    return "\n".join([f"{'check':<{width}}  {'looked':>7}  {'broken':>7}  promise", *lines])
