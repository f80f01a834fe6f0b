"""Expressions in CEL, the Common Expression Language: compiled once, evaluated for each task."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cel
from cel.stdlib import add_stdlib_to_context

from integrationbus.connectors.declarative.cel_names import unknown_names
from integrationbus.connectors.declarative.faults import Faults, Position, did_you_mean
from integrationbus.connectors.declarative.source import Value

__all__ = ["UNSET", "AbsentValue", "Expression", "ExpressionFailed", "compile_expression", "surroundings"]

UNSET: Final = object()
"""What the variable ``unset`` of an expression becomes: no value at all, not even null."""

_MAX_LENGTH = 10_000
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")


class ExpressionFailed(ValueError):
    """An expression that gives no value for this object."""


class AbsentValue(ExpressionFailed):
    """An expression that reads what this object does not have."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    program: cel.Program

    def evaluate(self, context: cel.Context) -> object:
        """The value, or UNSET. Raises ExpressionFailed.

        Evaluating takes less than a microsecond, making a context some 10, plus what the size of the object takes.
        """
        try:
            value = self.program.execute(context)
        except LookupError as error:
            raise AbsentValue(f"{self.text}: there is no {error}") from error
        except Exception as error:  # the library raises a dozen kinds, among them plain RuntimeError
            raise ExpressionFailed(f"{self.text}: {error}") from error
        if isinstance(value, cel.OptionalValue):
            return value.value() if value.has_value() else UNSET
        return value

    def is_true(self, context: cel.Context) -> bool:
        """Whether a condition holds. Raises ExpressionFailed, also for a value that is neither true nor false."""
        value = self.evaluate(context)
        if not isinstance(value, bool):
            raise ExpressionFailed(f"{self.text}: must be true or false, not {value!r}")
        return value


def surroundings(variables: Mapping[str, object]) -> cel.Context:
    """What expressions are evaluated in: the variables, and the functions that cel-go calls its extensions."""
    return cel.Context({**variables, "unset": cel.OptionalValue.none()}, _FUNCTIONS)


def compile_expression(value: Value, variables: Collection[str], faults: Faults) -> Expression | None:
    """Compile a text, or take a number, true, false or null as it is; None when there is a fault."""
    text = _text_of(value, faults)
    if text is None:
        return None
    try:
        program = cel.compile(text)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the text
        faults.add(*_fault_of(value, text, str(error)))
        return None
    known = {*variables, "unset"}
    unknown = list(unknown_names(program, known, set(_FUNCTIONS)))
    for name, allowed in unknown:
        place = re.search(rf"\b{re.escape(name)}\b", text)
        start = place.start() if place else 0
        before = text[:start]
        line, column = before.count("\n") + 1, start - before.rfind("\n")
        reason = f"expressions know no {name}; {did_you_mean(name, allowed)}"
        faults.add(*_located(value, line, column, text, reason))
    return None if unknown else Expression(text, program)


def _text_of(value: Value, faults: Faults) -> str | None:
    match value.content:
        case None:
            return "null"
        case bool():
            return str(value.content).lower()
        case int() | float():
            return repr(value.content)
        case str() if len(value.content) > _MAX_LENGTH:
            faults.add(value.position, f"an expression may have {_MAX_LENGTH} characters")
        case str() if value.content.strip():
            return value.content
        case str():
            faults.add(value.position, "an expression must not be empty; the empty text is '' within the expression")
        case _:
            faults.add(value.position, f"an expression must be a text, not {value.kind}")
    return None


def _fault_of(value: Value, text: str, message: str) -> tuple[Position, str]:
    found = _ERROR.search(message)
    if found is None:
        return value.position, f"the expression does not compile: {message}"
    reason = re.sub(r" expecting \{.*\}$", "", found[3]).replace("<EOF>", "the end")
    return _located(value, int(found[1]), int(found[2]), text, f"the expression does not compile: {reason}")


def _located(value: Value, line: int, column: int, text: str, message: str) -> tuple[Position, str]:
    """The place within the file where it is known, else within the expression."""
    if value.text_position is not None:
        return Position(value.text_position.line, value.text_position.column + column - 1), message
    if text == value.content:
        return value.position, f"{message} (line {line}, column {column} of the expression)"
    return value.position, message


def _functions() -> dict[str, Callable[..., Any]]:
    context = cel.Context()
    add_stdlib_to_context(context)
    return context.functions


_FUNCTIONS = _functions()
