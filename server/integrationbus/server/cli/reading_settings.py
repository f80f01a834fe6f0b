"""The settings, with a line for each that does not fit."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from integrationbus.server.settings import Settings

__all__ = ["read_settings"]


def read_settings(**given: Any) -> Settings:  # noqa: ANN401 - the settings check what they are given
    """The settings from what is given and the environment. Raises ValueError, for people."""
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "\n".join(f"  {_line_of(each)}" for each in error.errors(include_url=False))
        raise ValueError(f"these settings do not fit:\n{problems}") from None


def _line_of(problem: Mapping[str, Any]) -> str:
    """A problem with the name of its setting, also as the variable; without one when several do not fit together."""
    text: str = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return text
    name = problem["loc"][0]
    return f"{name} (INTEGRATIONBUS_{name.upper()}): {text}"
