"""Saying how a watch goes on that was ended."""

import shlex
from collections.abc import Iterable, Mapping
from enum import Enum

import typer

from integrationbus.client import ResumeToken

__all__ = ["say_how_to_go_on"]


def say_how_to_go_on(
    command: str,
    token: ResumeToken,
    server: str,
    options: Mapping[str, Iterable[object] | None],
    flags: Mapping[str, bool],
) -> None:
    """Print on stderr the command that goes on where this one ended, with the same filters and the same form."""
    words = ["integrationbus", *command.split(), "--since", token.to_text(), "--server", server]
    for option, values in options.items():
        for value in values or ():
            words += [option, value.name.lower().replace("_", "-") if isinstance(value, Enum) else str(value)]
    words += [flag for flag, given in flags.items() if given]
    typer.echo(f"\ngo on with: {shlex.join(words)}", err=True)
