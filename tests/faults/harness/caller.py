"""An application that logs tasks, and repeats a call until it knows what became of it."""

import random
import threading
import time
from collections.abc import Sequence
from typing import cast

import grpc
from faults.checker.evidence import Call, Receipt
from faults.harness.notebook import Notebook
from faults.harness.wanted import Wanted, wanted_calls
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from integrationbus.client.wire.channel import metadata_of
from integrationbus.v1.task_service_pb2 import LogTaskRequest, LogTasksRequest
from integrationbus.v1.task_service_pb2_grpc import TaskServiceStub

__all__ = ["Caller"]

_CALL_SECONDS = 5.0
_PAUSE_SECONDS = 0.1

_NOTHING_STORED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
    }
)
"""Answers that promise that nothing was stored; after any other failure nobody knows."""

# The channel must not repeat a call by itself: each attempt is noted.
_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)


class Caller:
    """Makes ``limit`` calls on a thread of its own, or as many as it can until it is told to stop.

    Each attempt goes to one of the addresses, chosen by the seed. A call whose outcome is unknown is repeated with the
    same request id until there is an answer.
    """

    def __init__(
        self,
        number: int,
        addresses: Sequence[str],
        notebook: Notebook,
        seed: str,
        *,
        connectors: Sequence[str],
        limit: int | None = None,
    ) -> None:
        self.name = f"app{number}"
        self._addresses = addresses
        self._notebook = notebook
        self._limit = limit
        self._calls = wanted_calls(self.name, number, seed, connectors)
        self._chance = random.Random(f"{seed} {self.name} ways")  # noqa: S311 - to be repeatable
        self._stopping = threading.Event()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.name)
        self.acknowledged = 0
        self.repeated = 0

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def stop(self, seconds: float = 90.0) -> None:
        """Begin no further call, and wait until the one in hand has an answer. Raises TimeoutError."""
        self._stopping.set()
        self.join(seconds)

    def join(self, seconds: float = 90.0) -> None:
        """Wait until all calls have an answer. Raises TimeoutError."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            self.give_up()
            raise TimeoutError(f"{self.name} has no answer after {seconds} seconds")

    def give_up(self) -> None:
        """End in the middle of a call."""
        self._stopping.set()
        self._giving_up.set()
        self._thread.join()

    def _work(self) -> None:
        channels = [grpc.insecure_channel(address, options=_OPTIONS) for address in self._addresses]
        stubs = [TaskServiceStub(channel) for channel in channels]
        made = 0
        while not self._stopping.is_set() and made != self._limit:
            self._see_through(next(self._calls), stubs)
            made += 1
        for channel in channels:
            channel.close()

    def _see_through(self, wanted: Wanted, stubs: Sequence[TaskServiceStub]) -> None:
        while not self._giving_up.is_set():
            call = self._attempt(wanted, self._chance.choice(stubs))
            self._notebook.note(call)
            if call.outcome == "ok":
                self.acknowledged += len(call.receipts)
                return
            self.repeated += 1
            self._giving_up.wait(_PAUSE_SECONDS)

    def _attempt(self, wanted: Wanted, stub: TaskServiceStub) -> Call:
        invoked = time.monotonic()
        outcome, reason, receipts = "ok", "", list[Receipt]()
        duplicate = False
        try:
            receipts, duplicate = self._log(wanted, stub)
        except grpc.RpcError as error:
            ended = cast(grpc.Call, error)
            outcome = "fail" if ended.code() in _NOTHING_STORED else "unknown"
            reason = _reason_of(ended)
        return Call(
            creator=self.name,
            request_id=wanted.request_id,
            invoked=invoked,
            returned=time.monotonic(),
            outcome=outcome,
            entries=wanted.entries,
            receipts=receipts,
            duplicate=duplicate,
            reason=reason,
        )

    def _log(self, wanted: Wanted, stub: TaskServiceStub) -> tuple[list[Receipt], bool]:
        metadata = metadata_of(self.name)
        if len(wanted.tasks) == 1:
            single = LogTaskRequest(task=wanted.tasks[0], request_id=wanted.request_id)
            logged = [stub.LogTask(single, timeout=_CALL_SECONDS, metadata=metadata).task]
        else:
            several = LogTasksRequest(tasks=wanted.tasks, request_id=wanted.request_id)
            answer = stub.LogTasks(several, timeout=_CALL_SECONDS, metadata=metadata)
            logged = [result.task for result in answer.results]
        receipts = [Receipt(id=task.id, connector=task.connector, sequence=task.sequence) for task in logged]
        return receipts, logged[0].duplicate


def _reason_of(error: grpc.Call) -> str:
    """The reason that the server gave, else the status."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    return str(error.code().name)
