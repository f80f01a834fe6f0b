"""Reading TOML, with positions. The values are the standard library's; a syntax tree says where they stand."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from integrationbus.connectors.declarative.faults import Faults, Position
from integrationbus.connectors.declarative.source import Content, Entry, Value

__all__ = ["read_toml"]

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEYS = ("bare_key", "quoted_key", "dotted_key")

_Path = tuple[str | int, ...]


def read_toml(text: str, faults: Faults) -> Value | None:
    """Read a file; None when it is no TOML."""
    text = text.replace("\r\n", "\n")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.add(_place_of(error, text), f"this is no TOML: {_PLACE.sub('', str(error))}")
        return None
    return _Places(text).value(content, (), Position(1, 1))


def _place_of(error: tomllib.TOMLDecodeError, text: str) -> Position:
    found = _PLACE.search(str(error))
    if found and found[1]:
        return Position(int(found[1]), int(found[2]))
    lines = text.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)


class _Places:
    """Where the keys and the values of a file stand, by their path; an index leads into a list."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._keys: dict[_Path, Position] = {}
        self._values: dict[_Path, Position] = {}
        self._lengths: dict[_Path, int] = {}
        tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode())
        for node in tree.root_node.named_children:
            self._top(node)

    def value(self, content: Any, path: _Path, fallback: Position) -> Value:  # noqa: ANN401 - whatever TOML can say
        """What tomllib read, with its places."""
        position = self._values.get(path, fallback)
        match content:
            case dict():
                return Value(position, dict(self._entries(content, path, position)))
            case list():
                return Value(position, [self.value(item, (*path, n), position) for n, item in enumerate(content)])
            case str():
                return Value(position, content, self._text_position(content, position))
            case date() | time():  # a datetime is a date
                return Value(position, content.isoformat())
            case _:
                return Value(position, _plain(content))

    def _entries(self, content: Mapping[str, Any], path: _Path, fallback: Position) -> Iterator[tuple[str, Entry]]:
        for name, item in content.items():
            inner = (*path, name)
            key = self._keys.get(inner, fallback)
            yield name, Entry(key, self.value(item, inner, key))

    def _top(self, node: Node) -> None:
        match node.type:
            case "pair":
                self._pair(node, ())
            case "table":
                self._pairs(node, self._header(_names(node.named_children[0])))
            case "table_array_element":
                path = self._header(_names(node.named_children[0]), is_element=True)
                self._values[path] = self._position(node)
                self._pairs(node, path)

    def _header(self, names: Sequence[tuple[Node, str]], *, is_element: bool = False) -> _Path:
        """The path that a header opens: that of the last element where a name stands for a list of tables."""
        path: _Path = ()
        for number, (node, name) in enumerate(names, start=1):
            path = (*path, name)
            self._keys.setdefault(path, self._position(node))
            if is_element and number == len(names):
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
        return path

    def _pairs(self, node: Node, path: _Path) -> None:
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, path)

    def _pair(self, node: Node, path: _Path) -> None:
        key, value = (child for child in node.named_children if child.type != "comment")
        for each, name in _names(key):
            path = (*path, name)
            self._keys.setdefault(path, self._position(each))
        self._value(value, path)

    def _value(self, node: Node, path: _Path) -> None:
        self._values[path] = self._position(node)
        if node.type == "inline_table":
            self._pairs(node, path)
        elif node.type == "array":
            items = [child for child in node.named_children if child.type != "comment"]
            for number, item in enumerate(items):
                self._value(item, (*path, number))

    def _position(self, node: Node) -> Position:
        row, column = node.start_point
        return Position(row + 1, len(self._lines[row].encode()[:column].decode()) + 1)

    def _text_position(self, text: str, position: Position) -> Position | None:
        """Known for a text on one line without escapes; its quotation mark comes first."""
        found = self._lines[position.line - 1].startswith(text, position.column)
        return Position(position.line, position.column + 1) if found else None


def _names(key: Node) -> Sequence[tuple[Node, str]]:
    """The names of a key with dots, one after the other."""
    if key.type == "dotted_key":
        return [name for child in key.named_children if child.type in _KEYS for name in _names(child)]
    raw = (key.text or b"").decode()
    return [(key, next(iter(tomllib.loads(f"{raw} = 0"))))]


def _plain(content: bool | float) -> Content:  # noqa: FBT001 - what TOML has besides texts and tables
    return content
