"""The answers as tables, for people, and as JSON, for programs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measuring import Answer, Figure, Row
from bench.question import Question

__all__ = ["Report", "Settings"]

_HEADINGS = ("what", "median (range)", "limit", "median (range)", "ratio (range)", "target", "reached")
_Grid = tuple[Sequence[str], Sequence[Sequence[str]]]

_TEN, _THOUSAND = 10, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How was measured: facts by name."""

    date: str
    facts: Mapping[str, str]
    machine: Mapping[str, str]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the benchmarks found."""

    settings: Settings
    answers: Sequence[tuple[Question, Answer]]

    @property
    def failed(self) -> bool:
        """Whether a question has no complete answer."""
        return any(answer.error for _, answer in self.answers)

    def show(self, console: Console) -> None:
        """Print tables."""
        for question, answer in self.answers:
            headings, lines = _grid(answer.rows)
            table = Table(title=f"{question.name}: {question.asks}", title_justify="left")
            for heading in headings:
                table.add_column(heading, overflow="fold")
            for line in lines:
                table.add_row(*line)
            console.print(table)
            if answer.error:
                console.print(f"[red]{question.name} failed:[/] {escape(answer.error)}", highlight=False)

    def markdown(self) -> str:
        """The whole report, as RESULTS.md has it: no error is told in full, since it may name places."""
        parts = ["# Results", "Written by `make bench`; [the guide](../docs/benchmarks.md) says how to read it."]
        for title, facts in (
            ("Machine", self.settings.machine),
            ("Versions", self.settings.versions),
            ("Settings", {"date": self.settings.date, **self.settings.facts}),
        ):
            parts += [f"## {title}", "\n".join(f"- {name}: {fact}" for name, fact in facts.items())]
        parts += ["## Answers"]
        for question, answer in self.answers:
            parts += [f"### {question.name}", question.asks, question.includes]
            parts += [_markdown_table(*_grid(answer.rows))] if answer.rows else []
            if answer.error:
                parts.append(f"**Failed** ({answer.error.partition(':')[0]}): what is missing could not be measured.")
            if question.explanation:
                parts.append(question.explanation)
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> dict[str, Any]:
        """Everything, with each run."""
        return {
            "date": self.settings.date,
            "settings": dict(self.settings.facts),
            "machine": dict(self.settings.machine),
            "versions": dict(self.settings.versions),
            "questions": [
                {
                    "name": answer.name,
                    "seconds": answer.seconds,
                    "error": answer.error,
                    "rows": [*map(_row, answer.rows)],
                }
                for _, answer in self.answers
            ],
        }


def _grid(rows: Sequence[Row]) -> _Grid:
    """Headings and lines."""
    if any(row.column for row in rows):
        return _cells(rows)
    lines = [_line(row) for row in rows]
    used = [place for place, _ in enumerate(_HEADINGS) if any(line[place] for line in lines)]
    return [_HEADINGS[place] for place in used], [[line[place] for place in used] for line in lines]


def _line(row: Row) -> Sequence[str]:
    target, reached = "", ""
    if row.target is not None:
        unit = " x" if row.target.of == "ratio" else f" {row.unit}"
        target = f"{row.target.sign} {row.target.bound:g}{unit}"
        reached = "yes" if row.reached else "NO"
    return (
        row.subject,
        _text(row.ours, row.unit),
        row.limit_name,
        _text(row.limit, row.unit),
        _text(row.ratio),
        target,
        reached,
    )


def _cells(rows: Sequence[Row]) -> _Grid:
    """A table with a line for each subject, in their order."""
    columns = dict.fromkeys(row.column for row in rows)
    units = {row.column: row.unit for row in reversed(rows) if row.unit}
    found = {(row.subject, row.column): row for row in rows}
    lines: list[Sequence[str]] = []
    for subject in dict.fromkeys(row.subject for row in rows):
        own = [found.get((subject, column)) for column in columns]
        remark = next(row.remark for row in own if row)
        lines.append((subject, *(_text(row.ours) if row else "" for row in own), remark))
    return ("what", *(f"{column}, {units.get(column, '')}" for column in columns), "remark"), lines


def _text(figure: Figure | None, unit: str = "") -> str:
    if figure is None:
        return ""
    middle = f"{_number(figure.median)} {unit}".strip()
    return f"{middle} ({_number(figure.low)}–{_number(figure.high)})"  # noqa: RUF001 - a range is written like that


def _number(number: float) -> str:
    """Three digits, or all of a whole number."""
    if abs(number) >= _THOUSAND:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= _TEN else f"{number:.2f}"


def _markdown_table(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [headings, ["---"] * len(headings), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def _row(row: Row) -> dict[str, Any]:
    return {
        "subject": row.subject,
        "column": row.column,
        "unit": row.unit,
        "runs": list(row.ours.runs) if row.ours else [],
        "limit_name": row.limit_name,
        "limit_runs": list(row.limit.runs) if row.limit else [],
        "ratio": row.ratio.median if row.ratio else None,
        "target": f"{row.target.of} {row.target.sign} {row.target.bound:g}" if row.target else "",
        "reached": row.reached,
        "remark": row.remark,
    }
