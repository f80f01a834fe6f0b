"""Reaching the server, and failing well."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from integrationbus.client import BusError, Client, DeadlineExceeded, Unavailable
from integrationbus.server.address import is_host_and_port

__all__ = ["FAILED", "INTERRUPTED", "ServerOption", "connect", "fail"]

FAILED = 1
UNREACHABLE = 3
INTERRUPTED = 130

_SCHEMES = ("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:")
"""How the other names begin that gRPC knows."""


def _target(text: str) -> str:
    if not is_host_and_port(text) and not text.startswith(_SCHEMES):
        raise typer.BadParameter(f"{text!r} is not HOST:PORT, for example 127.0.0.1:50051")
    return text


ServerOption = Annotated[
    str,
    typer.Option(
        "--server", envvar="INTEGRATIONBUS_SERVER", callback=_target, help="The address of the server, HOST:PORT."
    ),
]


@contextmanager
def connect(server: str) -> Iterator[Client]:
    """A client. What it raises ends the command with a line on stderr and an exit code."""
    try:
        with Client(server, application=f"cli:{getpass.getuser()}"[:100]) as client:
            # A client waits for a server that went away; a command should say at once that there is none.
            client.server_info()
            yield client
    except (Unavailable, DeadlineExceeded) as error:
        fail(f"{_text_of(error)}\nIs a server running? Start one with: integrationbus serve", UNREACHABLE)
    except (BusError, ValueError, TypeError, RecursionError) as error:
        fail(_text_of(error))


def _text_of(error: Exception) -> str:
    """The error with its notes, such as how much was done before it."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def fail(text: str, code: int = FAILED) -> NoReturn:
    """End the command."""
    typer.echo(f"integrationbus: {text}", err=True)
    raise typer.Exit(code)
