"""The command line: ``python -m bench``."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.asking import ask
from bench.question import Question
from bench.questions import QUESTIONS
from bench.report import Report

_RESULTS = Path(__file__).parent / "RESULTS.md"
_POSTGRES = "INTEGRATIONBUS_TEST_POSTGRES_URL"
_INTERRUPTED = 130
_WIDE = 160

_Names = Annotated[list[str] | None, typer.Argument(help="The questions to ask; all of them by default.")]


def bench(
    names: _Names = None,
    *,
    list_them: Annotated[bool, typer.Option("--list", help="Name the questions, and ask none.")] = False,
    runs: Annotated[int, typer.Option(min=1, help="How many rounds to measure.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Do a tenth of the work, for a first look.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the result of each round.")] = False,
    output: Annotated[
        Path | None, typer.Option(help="Write the report here; a full run writes bench/RESULTS.md by default.")
    ] = None,
) -> None:
    """Measure how fast the bus is here, beside what limits it and what else there is.

    PostgreSQL is that of INTEGRATIONBUS_TEST_POSTGRES_URL, or one that is started for the purpose. Ends with 1 when a
    question failed.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    if list_them:
        for question in QUESTIONS:
            console.print(f"[bold]{question.name:15}[/] {question.asks}", highlight=False)
        return
    questions = _chosen(names or [])
    report = uvloop.run(_ask(questions, runs=runs, quick=quick))
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
    else:
        report.show(console)
    usual = _RESULTS if len(questions) == len(QUESTIONS) and not quick else None
    if (place := output or usual) is not None:
        place.write_text(report.markdown(), encoding="utf-8")
    raise typer.Exit(int(report.failed))


def _chosen(names: Sequence[str]) -> Sequence[Question]:
    known = {question.name: question for question in QUESTIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(f"there is no question {unknown[0]!r}; there are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] or QUESTIONS


async def _ask(questions: Sequence[Question], *, runs: int, quick: bool) -> Report:
    """Ask, until a signal says that it is enough: then everything that was started is ended first."""
    asking = asyncio.create_task(ask(questions, runs=runs, quick=quick, postgres_url=os.environ.get(_POSTGRES, "")))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asking.cancel)
    try:
        return await asking
    except asyncio.CancelledError:
        raise typer.Exit(_INTERRUPTED) from None


if __name__ == "__main__":
    typer.run(bench)
