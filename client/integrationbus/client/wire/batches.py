"""Cutting any number of tasks into calls."""

from integrationbus.client.model.tasks import NewTask
from integrationbus.client.wire.arguments import wrong_type
from integrationbus.client.wire.sizes import MAX_BYTES, sized
from integrationbus.client.wire.tasks import task_spec
from integrationbus.v1 import task_pb2

__all__ = ["Batcher"]


class Batcher:
    """Collects tasks in their order into batches of at most ``batch_size`` tasks and about 3 MiB.

    A task that is larger than that is left to the server to refuse. Raises ValueError for a batch size below 1.
    """

    def __init__(self, batch_size: int) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self._batch_size = batch_size
        self._batch: list[task_pb2.TaskSpec] = []
        self._bytes = 0
        self._place = 0

    def add(self, task: NewTask) -> list[task_pb2.TaskSpec]:
        """Take a task in; returns the batch that this completes, or an empty one.

        Raises TypeError or ValueError, naming the place of the task counted from 0, for one that cannot travel.
        """
        spec, size = sized(self._spec(task))
        done = self.rest() if self._bytes + size > MAX_BYTES else []
        self._batch.append(spec)
        self._bytes += size
        # A batch that is full goes at once: the next task may be long in coming.
        return done or (self.rest() if len(self._batch) == self._batch_size else [])

    def rest(self) -> list[task_pb2.TaskSpec]:
        """The batch in the making, which may be empty; the next one starts afresh."""
        batch, self._batch, self._bytes = self._batch, [], 0
        return batch

    def _spec(self, task: NewTask) -> task_pb2.TaskSpec:
        if not isinstance(task, NewTask):
            raise wrong_type(f"tasks[{self._place}]", "NewTask", task)
        try:
            spec = task_spec(task)
        except (TypeError, ValueError) as error:
            raise type(error)(f"tasks[{self._place}].{error}") from error
        self._place += 1
        return spec
