"""How far the tasks are: bars on a terminal, a line now and then anywhere else."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from tally import Tally

__all__ = ["TaskProgress"]

_TASKS_PER_LINE = 1000


class TaskProgress:
    """Shows a tally while it grows."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._next_line = _TASKS_PER_LINE
        columns = (TextColumn("{task.description:>9}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)
        self._logged = self._bars.add_task("logged", total=total)
        self._processed = self._bars.add_task("processed", total=total)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, tally: Tally) -> None:
        """Show how far the tally is."""
        self._bars.update(self._logged, completed=tally.logged.count)
        self._bars.update(self._processed, completed=tally.processed.count)
        if not self._console.is_terminal and (tally.processed.count >= self._next_line or tally.is_complete):
            self._next_line += _TASKS_PER_LINE
            self._console.print(f"logged {tally.logged.count:,}, processed {tally.processed.count:,}")
