"""The bus beside other task queues."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from functools import partial

from bench.bus_as_peer import COLUMNS, SEPARATOR, Amounts, bus_contenders, figures_of
from bench.lab import Lab
from bench.measuring import Row
from bench.processes import Helper, helper
from bench.question import Question

__all__ = ["QUESTION"]

_ONE_BY_ONE, _BULK, _DRAIN = 1_000, 10_000, 3_000
_PER_SECOND, _LATENCY = 100, 300


async def _measure(lab: Lab) -> AsyncIterator[Row]:
    amounts = Amounts(
        one_by_one=lab.scaled(_ONE_BY_ONE),
        bulk=lab.scaled(_BULK),
        drain=lab.scaled(_DRAIN),
        per_second=_PER_SECOND,
        latency=lab.scaled(_LATENCY),
    )
    async with AsyncExitStack() as kept:
        bus = [each async for each in bus_contenders(lab, kept, amounts)]
        folder = kept.enter_context(lab.folder())
        url = await kept.enter_async_context(lab.database("postgresql"))
        process = await kept.enter_async_context(helper("bench.peer_process", [str(folder), url], log=folder / "log"))
        failed: dict[str, str] = {}
        others = [
            partial(_measured, process, place, known["name"], amounts, failed)
            for place, known in enumerate(process.ready["peers"])
        ]
        figures = await lab.alternate(*(each.measure for each in bus), *others)
    remarks = {each.name: each.remark for each in bus}
    remarks |= {known["name"]: _remark(known) for known in process.ready["peers"]}
    for key, figure in figures.items():
        name, column = key.split(SEPARATOR)
        yield Row(subject=name, column=column, unit=COLUMNS[column], ours=figure, remark=remarks[name])
    for name, reason in process.ready["missing"].items():
        yield Row(subject=name, column=next(iter(COLUMNS)), unit="", ours=None, remark=f"not measured: {reason}")
    if failed:
        raise RuntimeError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))


def _remark(known: Mapping[str, object]) -> str:
    return f"{'durable' if known['durable'] else 'NOT durable'}; {known['remark']}"


async def _measured(
    process: Helper, place: int, name: str, amounts: Amounts, failed: dict[str, str]
) -> Mapping[str, float]:
    """The figures of a peer; those up to its failure, and none from then on."""
    figures: dict[str, float] = {}
    asked = {
        "one by one": ("one_by_one", [amounts.one_by_one]),
        "bulk": ("bulk", [amounts.bulk]),
        "drain": ("drain", [amounts.drain]),
        "latency": ("latency", [amounts.per_second, amounts.latency]),
    }
    for column, (method, arguments) in asked.items() if name not in failed else ():
        answer = await process.ask([place, method, arguments])
        if "error" in answer:
            failed[name] = f"{method}: {answer['error']}"
            break
        figures |= figures_of(name, column, answer["result"])
    return figures


QUESTION = Question(
    name="peers",
    asks="How does the bus compare with other task queues?",
    includes=(
        "One producer, one consumer, records of the same size. Each system is called by its own Python API; the bus"
        " does more for a task: it transforms the record, translates a key and applies an object exactly once, while"
        " the consumers of the peers do nothing. Latency is from logging to done, at 100 tasks a second."
    ),
    measure=_measure,
    explanation=(
        "Tasks of the peers do nothing; those of the bus become objects, with a history, in the same transaction. One"
        " task at a time the bus is ahead through the stream of its client, and behind where each call is waited for."
        " On the same database it drains faster than every durable peer that takes its tasks one by one. PgQueuer is"
        " ahead in bulk, by COPY without a history, and in its drain, where it takes and settles up to 100 jobs in one"
        " statement."
    ),
)
