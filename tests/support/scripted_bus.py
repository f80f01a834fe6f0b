"""A real gRPC server in this process that answers as a test tells it to."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from integrationbus.v1 import (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)

__all__ = ["HOLD", "Answer", "Conversation", "Received", "Refuse", "Restart", "ScriptedBus"]

_FILES = (
    connector_service_pb2,
    enum_service_pb2,
    notify_service_pb2,
    object_service_pb2,
    server_service_pb2,
    task_service_pb2,
)
_METHODS: dict[str, MethodDescriptor] = {
    method.name: method
    for module in _FILES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Fail the call."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = "refused"
    domain: str = "integrationbus"
    fields: tuple[tuple[str, str], ...] = ()
    retry_delay: timedelta | None = None


@dataclass(frozen=True)
class Restart:
    """Break every connection, and serve again on the same port."""


class Hold:
    """Leave a call without an answer until it ends, from whatever side."""


HOLD = Hold()

Answer: TypeAlias = Message | Refuse | Restart | Hold
Conversation: TypeAlias = Callable[[Iterator[Message]], Iterator[Answer]]
"""Reads requests as it likes, and answers."""


@dataclass(frozen=True)
class Received:
    """A call as it came. ``ended`` is set when it is over, from whatever side."""

    request: Message
    metadata: dict[str, str | bytes]
    seconds_left: float
    ended: threading.Event = field(default_factory=threading.Event)


class ScriptedBus:
    """Answers each call of a method with the next of its answers; a call without one is refused as UNIMPLEMENTED."""

    def __init__(self) -> None:
        self._unary: dict[str, deque[Answer | Callable[[Message], Answer]]] = {}
        self._streams: dict[str, deque[Sequence[Answer]]] = {}
        self._conversations: dict[str, deque[Conversation]] = {}
        self._received: dict[str, list[Received]] = {}
        self._server: grpc.Server | None = None
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        """Where it serves; the same after a restart."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Serve."""
        server = grpc.server(ThreadPoolExecutor(max_workers=8))
        server.add_generic_rpc_handlers((_Script(self),))
        self._port = server.add_insecure_port(f"127.0.0.1:{self._port}")
        server.start()
        self._server = server

    def stop(self) -> None:
        """Break every connection, and do not come back."""
        if self._server is not None:
            self._server.stop(None).wait()

    def restart(self) -> None:
        """Break every connection, and come back."""
        if self._server is not None:
            self._server.stop(None)
        self.start()

    def answers(self, method: str, *answers: Answer | Callable[[Message], Answer]) -> None:
        """Answer the next calls of a unary method."""
        self._unary.setdefault(method, deque()).extend(answers)

    def streams(self, method: str, *streams: Sequence[Answer]) -> None:
        """Answer the next calls of a streaming method; a stream that does not end otherwise ends with OK."""
        self._streams.setdefault(method, deque()).extend(streams)

    def conversations(self, method: str, *conversations: Conversation) -> None:
        """Hold the next calls of a method that streams both ways; one that does not end otherwise ends with OK."""
        self._conversations.setdefault(method, deque()).extend(conversations)

    def received(self, method: str) -> list[Received]:
        """The calls of a method so far."""
        return self._received.get(method, [])

    def requests(self, method: str) -> list[Message]:
        """The requests of a method so far."""
        return [call.request for call in self.received(method)]

    def answer_unary(self, method: str, request: Message, context: grpc.ServicerContext) -> Message:
        """Play the next answer of a method."""
        call = self._record(method, request, context)
        script = self._unary.get(method)
        answer = script.popleft() if script else Refuse(code=grpc.StatusCode.UNIMPLEMENTED)
        if callable(answer):
            answer = answer(request)
        return self._play(answer, call, context)

    def answer_stream(self, method: str, request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
        """Play the next stream of a method."""
        call = self._record(method, request, context)
        script = self._streams.get(method)
        for answer in script.popleft() if script else [Refuse(code=grpc.StatusCode.UNIMPLEMENTED)]:
            yield self._play(answer, call, context)

    def converse(self, method: str, requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        """Hold the next conversation of a method. Its requests are recorded as they are read, each as a call."""
        ended = threading.Event()
        if not context.add_callback(ended.set):
            ended.set()

        def recorded() -> Iterator[Message]:
            for request in requests:
                self._received.setdefault(method, []).append(Received(request, {}, 0, ended))
                yield request

        script = self._conversations.get(method)
        if not script:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "no conversation is left")
        call = Received(Empty(), {}, 0, ended)
        for answer in script.popleft()(recorded()):
            yield self._play(answer, call, context)

    def _play(self, answer: Answer, call: Received, context: grpc.ServicerContext) -> Message:
        match answer:
            case Message():
                return answer
            case Refuse():
                context.abort_with_status(rpc_status.to_status(_status(answer)))
            case Restart():
                self.restart()
            case Hold():
                call.ended.wait()
        context.abort(grpc.StatusCode.CANCELLED, "the call was broken")
        raise AssertionError("abort always raises")

    def _record(self, method: str, request: Message, context: grpc.ServicerContext) -> Received:
        metadata = {str(key): value for key, value in context.invocation_metadata()}
        call = Received(request, metadata, context.time_remaining() or 0)
        if not context.add_callback(call.ended.set):
            call.ended.set()
        self._received.setdefault(method, []).append(call)
        return call


class _Script(grpc.GenericRpcHandler):
    def __init__(self, bus: ScriptedBus) -> None:
        self._bus = bus

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Message, Message] | None":
        name = handler_call_details.method.rpartition("/")[2]
        method = _METHODS[name]
        decode = GetMessageClass(method.input_type).FromString
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(
                lambda requests, context: self._bus.converse(name, requests, context), decode, _encode
            )
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._bus.answer_stream(name, request, context), decode, _encode
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._bus.answer_unary(name, request, context), decode, _encode
        )


def _encode(message: Message) -> bytes:
    return message.SerializeToString()


def _status(refuse: Refuse) -> Status:
    details: list[Message] = [ErrorInfo(reason=refuse.reason, domain=refuse.domain, metadata={"hint": "look"})]
    if refuse.fields:
        violations = [BadRequest.FieldViolation(field=path, description=text) for path, text in refuse.fields]
        details.append(BadRequest(field_violations=violations))
    if refuse.retry_delay is not None:
        retry = RetryInfo()
        retry.retry_delay.FromTimedelta(refuse.retry_delay)
        details.append(retry)
    status = Status(code=refuse.code.value[0], message=refuse.message)
    for detail in details:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status
