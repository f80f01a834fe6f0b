"""The settings, with a line for each that does not fit."""

from typing import Any

from pydantic import ValidationError

from integrationbus.server.settings import Settings

__all__ = ["read_settings"]


def read_settings(**given: Any) -> Settings:  # noqa: ANN401 - the settings check what they are given
    """The settings from what is given and the environment. Raises ValueError, for people."""
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "\n".join(f"  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError(f"these settings do not fit:\n{problems}") from None
