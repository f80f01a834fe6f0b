"""The settings, with a line for each that does not fit."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from integrationbus.server.failpoints import VARIABLE
from integrationbus.server.settings import Settings

__all__ = ["read_settings", "unread_variables"]

_PREFIX = "INTEGRATIONBUS_"
_READ_ELSEWHERE = ("INTEGRATIONBUS_SERVER", VARIABLE)
_OF_TESTS = "INTEGRATIONBUS_TEST_"


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
    return f"{name} ({_variable_of(name)}): {text}"


def unread_variables(environment: Iterable[str]) -> list[str]:
    """The variables that look like ours and that nobody reads, such as settings with a slip in their name."""
    read = {*map(_variable_of, Settings.model_fields), *_READ_ELSEWHERE}
    # Settings are read whatever the case of their names.
    ours = [name for name in environment if name.upper().startswith(_PREFIX)]
    return sorted(name for name in ours if name.upper() not in read and not name.upper().startswith(_OF_TESTS))


def _variable_of(setting: str) -> str:
    return f"{_PREFIX}{setting.upper()}"
