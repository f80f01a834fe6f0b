"""What an application wants done: a seeded stream of calls, each with one task or with several."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faults.checker.evidence import Entry

from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2

__all__ = ["Wanted", "wanted_calls"]

_REGISTERS = 12
_LONGEST_BATCH = 8

_KINDS = (
    # weight, process type, what the connector does
    (82, enums_pb2.PROCESS_TYPE_DEFAULT, ""),
    (5, enums_pb2.PROCESS_TYPE_SKIP_ON_ERROR, "fail"),
    (3, enums_pb2.PROCESS_TYPE_DELETE_ON_ERROR, "fail"),
    (4, enums_pb2.PROCESS_TYPE_DEFAULT, "retry"),
    (4, enums_pb2.PROCESS_TYPE_SKIP_ONCE, ""),
    (2, enums_pb2.PROCESS_TYPE_DEFAULT, "fail"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A call: its request id, its tasks, and how the checker knows them again."""

    request_id: str
    tasks: Sequence[task_pb2.TaskSpec]
    entries: Sequence[Entry]


def wanted_calls(creator: str, number: int, seed: str, connectors: Sequence[str]) -> Iterator[Wanted]:
    """Calls without end. ``number`` is that of the creator: values are unique among all creators."""
    chance = random.Random(f"{seed} {creator}")  # noqa: S311 - to be repeatable
    value = number * 1_000_000
    place = 0
    while True:
        place += 1
        request_id = f"{creator}-{place}"
        tasks, entries = [], []
        for index in range(1 if chance.random() < 0.7 else chance.randint(2, _LONGEST_BATCH)):
            value += 1
            task = _task(f"{request_id}.{index}", value, chance.choice(connectors), chance)
            digest = hashlib.sha256(task.payload.encoded.data).hexdigest()
            tasks.append(task)
            entries.append(Entry(connector=task.connector, title=task.title, digest=digest))
        yield Wanted(request_id=request_id, tasks=tasks, entries=entries)


def _task(title: str, value: int, connector: str, chance: random.Random) -> task_pb2.TaskSpec:
    name = f"{connector}/{chance.randrange(_REGISTERS)}"
    [(_, process_type, does)] = chance.choices(_KINDS, [weight for weight, _, _ in _KINDS])
    is_deletion = chance.random() < 0.1
    body = {"name": name, "value": value} | ({"do": does} if does else {})
    return task_pb2.TaskSpec(
        connector=connector,
        task_type=enums_pb2.TASK_TYPE_DELETE_OBJECT if is_deletion else enums_pb2.TASK_TYPE_CREATE_OBJECT,
        process_type=process_type,
        external_id=name,
        title=title,
        payload=payload_pb2.Payload(
            encoded=payload_pb2.EncodedPayload(content_type="application/json", data=json.dumps(body).encode())
        ),
    )
