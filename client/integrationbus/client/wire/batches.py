"""Cutting any number of tasks into calls."""

from collections.abc import Iterable, Iterator

from integrationbus.client.model.tasks import NewTask
from integrationbus.client.wire.tasks import task_spec
from integrationbus.v1 import task_pb2

__all__ = ["batches"]

_MAX_BYTES = 3 * 1024 * 1024


def batches(tasks: Iterable[NewTask], batch_size: int) -> Iterator[list[task_pb2.TaskSpec]]:
    """The tasks in their order, at most ``batch_size`` and about 3 MiB at a time, taken as they are needed.

    Raises TypeError or ValueError, naming the place of the task, for one whose payload does not fit.
    """
    batch: list[task_pb2.TaskSpec] = []
    size = 0
    for place, task in enumerate(tasks):
        try:
            spec = task_spec(task)
        except (TypeError, ValueError) as error:
            raise type(error)(f"task {place}: {error}") from error
        if batch and (len(batch) >= batch_size or size + spec.ByteSize() > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(spec)
        size += spec.ByteSize()
    if batch:
        yield batch
