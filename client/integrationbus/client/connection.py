"""A connection to a server, for synchronous programs."""

import threading
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import grpc
from google.protobuf.message import Message

from integrationbus.client.model.errors import BusError, Cancelled
from integrationbus.client.wire.arguments import seconds
from integrationbus.client.wire.call import Call, Page
from integrationbus.client.wire.channel import CHANNEL_OPTIONS, metadata_of
from integrationbus.client.wire.patience import Patience
from integrationbus.client.wire.statuses import bus_error

__all__ = ["Connection", "Stream"]

_Response = TypeVar("_Response", bound=Message)
_Response_co = TypeVar("_Response_co", bound=Message, covariant=True)
_Result = TypeVar("_Result")


class Stream(Protocol[_Response_co]):
    """The messages of a call that can be ended from outside. Reading raises grpc.RpcError when the call fails."""

    def __iter__(self) -> Iterator[_Response_co]: ...
    def __next__(self) -> _Response_co: ...
    def cancel(self) -> bool:
        """End the call."""
        ...


class Connection:
    """Makes calls, each with a deadline and with the name of the application. Raises BusError when one fails."""

    def __init__(
        self,
        target: str,
        *,
        application: str,
        credentials: grpc.ChannelCredentials | None,
        timeout: float,
        patience: float,
    ) -> None:
        self._target = target
        self._metadata = metadata_of(application)
        self._timeout = seconds(timeout, "timeout")
        self._patience = seconds(patience, "patience")
        self._closed = threading.Event()
        self._channel = (
            grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
            if credentials is None
            else grpc.secure_channel(target, credentials, options=CHANNEL_OPTIONS)
        )

    def close(self) -> None:
        """Cancel every call in flight, and close the connection."""
        self._closed.set()
        self._channel.close()

    def call(self, call: Call[_Response, _Result]) -> _Result:
        """Make a call."""
        self._check_open()
        method = self._channel.unary_unary(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        try:
            response = method(call.request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self.error(error) from error
        return call.read(response)

    def call_patiently(self, call: Call[_Response, _Result]) -> _Result:
        """Make a call that is safe to repeat, as often as patience allows."""
        patience = self.patience()
        while True:
            try:
                return self.call(call)
            except BusError as error:
                self.wait(patience.delay_after(error))

    def pages(self, call_for: Callable[[str], Call[_Response, Page[_Result]]]) -> Iterator[_Result]:
        """Read a list, page after page; ``call_for`` gets the token of the page."""
        token, is_last = "", False
        while not is_last:
            page = self.call(call_for(token))
            yield from page.items
            token, is_last = page.next_token, not page.next_token

    def stream(self, call: Call[_Response, _Result]) -> Stream[_Response]:
        """Begin a call that streams; it has no deadline."""
        self._check_open()
        method = self._channel.unary_stream(
            call.method,
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        return method(call.request, metadata=self._metadata)

    def converse(self, method: str, requests: Iterator[bytes], response: type[_Response]) -> Stream[_Response]:
        """Begin a call that streams both ways; it has no deadline. The requests are read on a thread of gRPC."""
        self._check_open()
        call: grpc.StreamStreamMultiCallable[bytes, _Response]
        call = self._channel.stream_stream(method, response_deserializer=response.FromString)
        return call(requests, metadata=self._metadata)

    def patience(self) -> Patience:
        """New patience, for one thing to be done."""
        return Patience(self._patience)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the connection is closed."""
        self._closed.wait(seconds)

    def error(self, error: grpc.RpcError) -> BusError:
        """What an error of gRPC means."""
        return bus_error(error, self._target, is_closed=self._closed.is_set())

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise Cancelled("the client is closed", code=grpc.StatusCode.CANCELLED)
