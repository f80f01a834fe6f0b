"""The command line: ``integrationbus``."""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; the entry point of the ``integrationbus`` script."""
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except OSError as error:
        _drop_output()
        sys.exit(f"integrationbus: {error}")


def _run() -> None:
    try:
        from integrationbus.server.cli.commands import app  # noqa: PLC0415 - it may be missing, which is said below
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("integrationbus"):
            raise
        sys.exit(
            f"integrationbus: the command line needs the package {error.name}, which is not installed.\n"
            "Install it with: pip install 'integrationbus[server]'"
        )
    if isinstance(sys.stdout, TextIOWrapper):
        # A character that the terminal does not have is no reason to show nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()


def _drop_output() -> None:
    """Have what could not be written forgotten, which the interpreter would try once more when it ends."""
    with suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
