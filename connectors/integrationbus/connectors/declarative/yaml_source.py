"""Reading YAML 1.2, with positions."""

from collections.abc import Mapping

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from integrationbus.connectors.declarative.faults import Faults, Position
from integrationbus.connectors.declarative.source import Content, Entry, Value

__all__ = ["read_yaml"]

_TAG = "tag:yaml.org,2002:"
_QUOTES = ("'", '"')


def read_yaml(text: str, faults: Faults) -> Value | None:
    """Read the only document of a file; None when it is no YAML."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        faults.add(_position(error.problem_mark or error.context_mark), f"this is no YAML: {reason}")
        return None
    except YAMLError as error:
        faults.add(Position(1, 1), f"this is no YAML: {' '.join(str(error).split())}")
        return None
    return Value(Position(1, 1), None) if node is None else _Reader(text, faults).value(node)


class _Reader:
    def __init__(self, text: str, faults: Faults) -> None:
        self._lines = text.splitlines()
        self._faults = faults
        self._seen: set[int] = set()

    def value(self, node: Node) -> Value:
        """An alias leads to a node once more, perhaps from within: for a list or a table it is refused."""
        position = _position(node.start_mark)
        if isinstance(node, ScalarNode):
            return Value(position, self._scalar(node, position), self._text_position(node, position))
        is_alias = id(node) in self._seen
        self._seen.add(id(node))
        if is_alias:
            self._faults.add(position, "an alias refers to this value; write the value out in each place")
        if isinstance(node, SequenceNode):
            return Value(position, [] if is_alias else [self.value(item) for item in node.value])
        assert isinstance(node, MappingNode)
        return Value(position, {} if is_alias else self._entries(node))

    def _entries(self, node: MappingNode) -> Mapping[str, Entry]:
        entries: dict[str, Entry] = {}
        for key, item in node.value:
            position = _position(key.start_mark)
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            if not name:
                self._faults.add(position, "a key must be a text")
                continue
            if name in entries:
                self._faults.add(position, f"{name} is given twice")
            entries[name] = Entry(position, self.value(item))
        return entries

    def _scalar(self, node: ScalarNode, position: Position) -> Content:
        text = str(node.value)
        tag = str(node.tag)
        try:
            match tag.removeprefix(_TAG):
                case "str" | "timestamp":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text, 0) if text.lstrip("+-")[:2] in ("0x", "0o") else int(text)
                case "float":
                    return float(text)
        except ValueError:
            self._faults.add(position, f"{text} is no number; put a text into quotes")
            return text
        self._faults.add(position, f"tags are not allowed, and this value has the tag {tag}")
        return text

    def _text_position(self, node: ScalarNode, position: Position) -> Position | None:
        """Known for a text on one line without escapes."""
        quoted = node.style in _QUOTES
        start = position.column - 1 + (1 if quoted else 0)
        line = self._lines[position.line - 1] if position.line <= len(self._lines) else ""
        return Position(position.line, start + 1) if line.startswith(str(node.value), start) else None


def _position(mark: StringMark | None) -> Position:
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)
