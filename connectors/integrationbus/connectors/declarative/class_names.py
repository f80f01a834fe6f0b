"""The internal classes that a file may name: its own, the shipped ones, and any by module."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module

from integrationbus.connectors.cms import SHIPPED_CLASSES
from integrationbus.connectors.declarative.class_building import built_class
from integrationbus.connectors.declarative.class_specs import ClassSpec
from integrationbus.connectors.declarative.faults import Faults, Position, did_you_mean
from integrationbus.connectors.models import BaseInfo, InternalObject, NodeInfo, TreeNode
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, describe

__all__ = ["ClassNames", "NamedClass", "of_spec"]

_PAGE_RESERVED = frozenset({"document_id", "document_node_id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedClass:
    """A class that may not be built yet. ``attributes`` are those that a connector may set."""

    object_type: str
    key: str
    is_page: bool
    attributes: frozenset[str]
    source: ClassSpec | type[BaseInfo | TreeNode]

    @property
    def foreign_key_target(self) -> str:
        """The "table.column" that a foreign key to it refers to."""
        return f"{NodeInfo.__tablename__}.node_id" if self.is_page else self.key

    def get(self) -> type[BaseInfo | TreeNode]:
        """The class itself."""
        return built_class(self.source) if isinstance(self.source, ClassSpec) else self.source


class ClassNames:
    """Looks up classes by object type or "module:Class"."""

    def __init__(self) -> None:
        self._by_type = {item.object_type: item for item in map(_of_class, SHIPPED_CLASSES)}
        self._imported: dict[str, NamedClass] = {}

    def __contains__(self, object_type: str) -> bool:
        return object_type in self._by_type

    def add(self, item: NamedClass) -> None:
        """Make a class of the file known."""
        self._by_type[item.object_type] = item

    @property
    def imported(self) -> Iterable[NamedClass]:
        """The classes that were named by their module."""
        return self._imported.values()

    @property
    def described(self) -> Iterable[NamedClass]:
        """The classes that the file describes."""
        return [item for item in self._by_type.values() if isinstance(item.source, ClassSpec)]

    def find(self, name: str, position: Position, faults: Faults) -> NamedClass | None:
        """A class; None when there is a fault."""
        if ":" not in name:
            found = self._by_type.get(name)
            if found is None:
                reason = did_you_mean(name, self._by_type)
                faults.add(position, f"there is no object type {name}; {reason}")
            return found
        if name not in self._imported:
            try:
                self._imported[name] = _of_class(_import(name))
            except Exception as error:  # noqa: BLE001 - user code
                faults.add(position, f"{name} cannot be used: {type(error).__name__}: {error}")
                return None
        return self._imported[name]


def of_spec(spec: ClassSpec) -> NamedClass:
    """A class that the file describes."""
    names = {column.name for column in spec.columns}
    return NamedClass(
        object_type=spec.info.object_type,
        key=f"{spec.table}.{spec.primary_key}",
        is_page=spec.is_page,
        attributes=frozenset(names | (_page_attributes() if spec.is_page else set())),
        source=spec,
    )


def _of_class(cls: type[BaseInfo | TreeNode]) -> NamedClass:
    described = describe(cls)
    reserved = _PAGE_RESERVED if described.is_page else {described.primary_key}
    return NamedClass(
        object_type=described.object_type,
        key=f"{described.table.name}.{described.id_column.name}",
        is_page=described.is_page,
        attributes=frozenset((set(described.columns) | _place_of(cls)) - reserved),
        source=cls,
    )


def _page_attributes() -> set[str]:
    return {"document_culture", *NODE_ATTRIBUTES}


def _place_of(cls: type[InternalObject]) -> set[str]:
    return set(NODE_ATTRIBUTES) if issubclass(cls, TreeNode) else set()


def _import(name: str) -> type[BaseInfo | TreeNode]:
    module, _, class_name = name.partition(":")
    cls = getattr(import_module(module), class_name)
    if not (isinstance(cls, type) and issubclass(cls, BaseInfo | TreeNode)):
        raise TypeError("it is no subclass of BaseInfo or TreeNode")
    return cls
