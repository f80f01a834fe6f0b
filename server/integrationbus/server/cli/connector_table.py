"""Connectors as lines and tables."""

from collections.abc import Iterable

from rich.table import Table

from integrationbus.client import Connector
from integrationbus.server.cli.output import as_text, one_line

__all__ = ["COLUMNS", "connector_line", "connector_row", "connector_table"]

COLUMNS = ("connector", "state", "in line", "waiting", "succeeded", "failed", "runs", "problem")


def connector_row(item: Connector) -> list[str]:
    """The cells of a connector."""
    counts = item.counts
    # A connector that could not be loaded has no trigger.
    trigger = item.trigger_mode.name if item.trigger_mode else ""
    when = item.schedule or trigger.lower().replace("_", " ")
    numbers = [str(number) for number in (_in_line(item), counts.waiting, counts.succeeded, counts.failed)]
    return [item.name, item.state.name, *numbers, when, item.problem]


def connector_table(connectors: Iterable[Connector]) -> Table:
    """A table of connectors."""
    table = Table(*COLUMNS, header_style="bold")
    for item in connectors:
        table.add_row(*as_text(connector_row(item)))
    return table


def connector_line(item: Connector) -> str:
    """A connector in one line, without markup."""
    counts = item.counts
    numbers = (
        f"{_in_line(item)} in line  {counts.waiting} waiting  {counts.succeeded} succeeded  {counts.failed} failed"
    )
    return one_line(f"{item.name}  {item.state.name}  {numbers}  {item.problem}").rstrip()


def _in_line(item: Connector) -> int:
    counts = item.counts
    return counts.pending + counts.running + counts.retry_wait
