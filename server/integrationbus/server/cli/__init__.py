"""The command line: ``integrationbus``."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the entry point of the ``integrationbus`` script."""
    try:
        from integrationbus.server.cli.commands import app  # noqa: PLC0415 - it may be missing, which is said below
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("integrationbus"):
            raise
        sys.exit(
            f"integrationbus: the command line needs the package {error.name}, which is not installed.\n"
            "Install it with: pip install 'integrationbus[server]'"
        )
    app()
