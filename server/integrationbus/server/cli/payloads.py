"""JSON that people give on the command line."""

import json

import typer

__all__ = ["json_object_of", "json_of"]


def json_of(option: str, text: str | None) -> object:
    """The value of a JSON text. Raises BadParameter, naming the option."""
    try:
        return json.loads(text or "")
    except ValueError as error:
        raise typer.BadParameter(f"{option} is not JSON: {error}") from None


def json_object_of(option: str, text: str) -> dict[str, object]:
    """As ``json_of``, for a JSON object."""
    value = json_of(option, text)
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{option} must be a JSON object, not {text[:40]}")
    return value
