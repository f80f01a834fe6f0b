"""Asking the questions, one after the other."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.lab import Lab
from bench.machine import machine, versions
from bench.measuring import Answer
from bench.question import Question
from bench.report import Report, Settings
from bench.workload import record_bytes

__all__ = ["ask"]


async def ask(questions: Sequence[Question], *, runs: int, quick: bool, postgres_url: str) -> Report:
    """Answer questions; one that fails does not keep the others from being asked."""
    with TemporaryDirectory(prefix="ib-bench-") as name:
        facts = {
            "rounds": f"{runs}; figures are medians, with their range, and a limit is measured in the same rounds",
            "work": "a tenth, for a first look" if quick else "full",
            "record": f"{record_bytes()} bytes",
        }
        settings = Settings(
            date=f"{datetime.now(UTC):%Y-%m-%d}", facts=facts, machine=machine(Path(name)), versions=versions()
        )
        answers = []
        async with _lab(runs, Path(name), postgres_url, quick=quick) as lab:
            every = lab.progress.add_task("questions", total=len(questions))
            for question in questions:
                lab.progress.update(every, description=f"[bold]{question.name}")
                answers.append((question, await _answer(question, lab)))
                lab.progress.advance(every)
            facts |= lab.facts
    return Report(settings, answers)


async def _answer(question: Question, lab: Lab) -> Answer:
    answer = Answer(question.name)
    started = time.monotonic()
    try:
        async for row in question.measure(lab):
            answer.rows.append(row)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other questions are asked
        answer.error = f"{type(error).__name__}: {error}"
    answer.seconds = time.monotonic() - started
    return answer


@asynccontextmanager
async def _lab(runs: int, folder: Path, postgres_url: str, *, quick: bool) -> AsyncIterator[Lab]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        async with AsyncExitStack() as kept:
            yield Lab(runs=runs, quick=quick, folder=folder, postgres_url=postgres_url, progress=progress, kept=kept)
