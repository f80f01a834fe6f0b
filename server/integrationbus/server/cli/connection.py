"""Reaching the server, and failing well."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from integrationbus.client import BusError, Client, DeadlineExceeded, Unavailable

__all__ = ["FAILED", "ServerOption", "connect", "fail"]

FAILED = 1
UNREACHABLE = 3

ServerOption = Annotated[
    str, typer.Option("--server", envvar="INTEGRATIONBUS_SERVER", help="The address of the server.")
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
