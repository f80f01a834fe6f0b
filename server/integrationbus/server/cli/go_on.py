"""Saying how a watch goes on that was ended."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum

import typer

from integrationbus.client import ObjectWatch, ResumeToken, Unavailable, Watch

__all__ = ["saying_how_to_go_on"]


@contextmanager
def saying_how_to_go_on(
    command: str,
    watch: Watch | ObjectWatch,
    server: str,
    options: Mapping[str, Iterable[object] | None],
    flags: Mapping[str, bool],
) -> Iterator[None]:
    """Print on stderr the command that goes on, with the same filters and form, when a watch is interrupted or breaks.

    Whoever ends it by Ctrl-C has what was asked for, so that is no error.
    """
    try:
        yield
    except KeyboardInterrupt:
        _say(command, watch.resume_token, server, options, flags)
    except Unavailable:
        _say(command, watch.resume_token, server, options, flags)
        raise


def _say(
    command: str,
    token: ResumeToken | None,
    server: str,
    options: Mapping[str, Iterable[object] | None],
    flags: Mapping[str, bool],
) -> None:
    if token is None:
        return
    words = ["integrationbus", *command.split(), "--since", token.to_text(), "--server", server]
    for option, values in options.items():
        for value in values or ():
            words += [option, value.name.lower().replace("_", "-") if isinstance(value, Enum) else str(value)]
    words += [flag for flag, given in flags.items() if given]
    typer.echo(f"\ngo on with: {shlex.join(words)}", err=True)
