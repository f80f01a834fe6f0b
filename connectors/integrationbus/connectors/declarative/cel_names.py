"""Which names an expression may use."""

import re
from collections.abc import Collection, Iterator

import cel

__all__ = ["unknown_names"]

_TYPES = frozenset({"bool", "bytes", "double", "duration", "int", "list", "map", "string", "timestamp", "type", "uint"})
_OF_OPTIONALS = frozenset({"hasValue", "none", "of", "ofNonZeroValue", "optional", "or", "orValue", "value"})
_OF_TEXTS = frozenset({"contains", "endsWith", "matches", "size", "startsWith"})
_OF_DATES = frozenset({"getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getMonth"})
_OF_TIMES = frozenset({"getHours", "getMilliseconds", "getMinutes", "getSeconds"})
_BUILT_IN_FUNCTIONS = frozenset({"dyn"}) | _TYPES | _OF_OPTIONALS | _OF_TEXTS | _OF_DATES | _OF_TIMES
_NAMESPACES = frozenset({"base64", "lists", "math", "optional", "sets", "strings"})
_BOUND = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")


def unknown_names(
    program: cel.Program, variables: Collection[str], functions: Collection[str]
) -> Iterator[tuple[str, Collection[str]]]:
    """Variables and functions that do not exist, each with those that do.

    CEL itself notices them when the expression is evaluated. ``functions`` are the added ones; one of "math.abs" is
    called abs within an expression.
    """
    bound = _BOUND.findall(program.source)
    for name in program.variables():
        if not (name in variables or name in bound or name in _NAMESPACES or name in _TYPES):
            yield name, variables
    added = {name.rpartition(".")[2] for name in functions}
    known = (_BUILT_IN_FUNCTIONS | added) - {"list", "map"}
    for name in program.functions():
        is_operator = name.startswith("_") or not name.isidentifier()
        if not is_operator and name not in known:
            yield name, known
