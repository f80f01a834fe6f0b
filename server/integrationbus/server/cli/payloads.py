"""JSON that people give on the command line."""

import json

import typer

__all__ = ["json_object_of", "json_of"]


def json_of(option: str, text: str | None) -> object:
    """The value of a JSON text. Raises BadParameter, naming the option."""
    try:
        value: object = json.loads(text or "")
        # Python reads more than JSON has: NaN, numbers beyond a double (1e400), half of a surrogate pair.
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise typer.BadParameter(f"{option} is not JSON: {error}") from None
    except RecursionError:
        raise typer.BadParameter(f"{option} is nested too deep") from None
    return value


def json_object_of(option: str, text: str) -> dict[str, object]:
    """As ``json_of``, for a JSON object."""
    value = json_of(option, text)
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{option} must be a JSON object, not {text[:40]}")
    return value
