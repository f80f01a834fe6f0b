"""How large a task may be to travel among others."""

from typing import Final

from integrationbus.v1.task_pb2 import TaskSpec

__all__ = ["MAX_BYTES", "sized"]

MAX_BYTES: Final = 3 * 1024 * 1024
"""A server takes messages of 4 MiB; this leaves room for what surrounds the tasks."""

_TOO_LARGE: Final = 2 * 1024 * 1024
"""More than a server takes as a payload."""


def sized(spec: TaskSpec) -> tuple[TaskSpec, int]:
    """A task with its size in bytes; for one that fits in no message, another one that stands for it.

    A server that cannot read a message says nothing about its tasks, and a stream never gets past it. What stands for
    the task is refused as PAYLOAD_TOO_LARGE, with its own size. Without a content type it can never be stored, whatever
    size a server takes.
    """
    size = spec.ByteSize()
    if size <= MAX_BYTES:
        return spec, size
    stand_in = TaskSpec(connector=spec.connector[:1000], task_type=spec.task_type)
    stand_in.payload.encoded.data = bytes(_TOO_LARGE)
    return stand_in, stand_in.ByteSize()
