"""What the demo tells at its end."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tally import Span, Tally
from verify import EXPECTED, ReadBack

from integrationbus.client import TaskEffect

__all__ = ["show_objects", "show_problems", "show_tasks"]

_SAMPLES = ("AT-9", "AZ-BAB", "GB-LND", "FR-69", "PH-BTG", "US-CA")
_MOST_PROBLEMS = 20


def show_tasks(console: Console, tally: Tally) -> None:
    """Show what became of the tasks, and how fast."""
    table = Table("tasks", title="What the bus did", title_justify="left")
    table.add_column("number", justify="right")
    table.add_column("per second", justify="right")
    table.add_row("logged", f"{tally.logged.count:,}", _rate(tally.logged))
    table.add_row("processed", f"{tally.processed.count:,}", _rate(tally.processed))
    for effect in (TaskEffect.CREATED, TaskEffect.UPDATED):
        table.add_row(f"  {effect.name.lower()} an object", f"{tally.effects[effect]:,}", "")
    table.add_row("waited for a parent", f"{tally.waited:,}", "")
    table.add_row("failed", f"{len(tally.failures):,}", "")
    console.print(table)


def show_objects(console: Console, read_back: ReadBack) -> None:
    """Show how many objects there are, and a few of them."""
    found = read_back.figures()
    table = Table("objects", title="What the bus holds", title_justify="left")
    table.add_column("expected", justify="right")
    table.add_column("found", justify="right")
    table.add_row("countries", f"{EXPECTED.countries:,}", f"{found.countries:,}")
    table.add_row("subdivisions", f"{EXPECTED.subdivisions:,}", f"{found.subdivisions:,}")
    table.add_row("  with a parent", f"{EXPECTED.with_parent:,}", f"{found.with_parent:,}")
    console.print(table)
    console.print(_samples(read_back))


def show_problems(console: Console, problems: Sequence[str]) -> None:
    """Show what is wrong, not more of it than one wants to read."""
    for problem in problems[:_MOST_PROBLEMS]:
        console.print(f"[red]wrong:[/red] {escape(problem)}", soft_wrap=True)
    if len(problems) > _MOST_PROBLEMS:
        console.print(f"... and {len(problems) - _MOST_PROBLEMS:,} more")


def _samples(read_back: ReadBack) -> Table:
    """A few subdivisions with the foreign keys that they hold, and the objects that these point at."""
    countries = {item.id: item.fields["name"] for item in read_back.countries}
    subdivisions = {item.id: item.fields["name"] for item in read_back.subdivisions}
    table = Table("code", "name", title="Some subdivisions, with their translated keys", title_justify="left")
    table.add_column("country_id")
    table.add_column("parent_id")
    for item in read_back.subdivisions:
        if item.code_name in _SAMPLES:
            country = _target(item.fields["country_id"], countries)
            parent = _target(item.fields["parent_id"], subdivisions)
            table.add_row(item.code_name, str(item.fields["name"]), country, parent)
    return table


def _target(internal_id: object, names: Mapping[int, object]) -> str:
    """A foreign key as people read it: the internal id, and the name of what it points at."""
    if not isinstance(internal_id, int):
        return ""
    return f"{internal_id} = {names.get(internal_id, '?')}"


def _rate(span: Span) -> str:
    rate = span.per_second
    return "" if rate is None else f"{rate:,.0f}"
