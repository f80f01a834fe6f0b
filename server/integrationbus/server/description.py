"""Internal types as they are shown: their columns, keys and parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrationbus.connectors.models import Dependency
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.server.class_catalog import ClassCatalog

__all__ = ["FieldView", "ObjectTypeView", "PartView", "describe_type"]

_ROLES = ("code_name", "guid", "site", "parent", "group", "display_name")
_PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """A column. ``type`` is as SQL names it; ``may_be_left_out`` is about creating an object.

    ``dependency`` is None for a column that is no foreign key. ``target_type`` is empty for one that points at a table
    which is not one of the bus's. ``default_code_name`` is empty where no object stands in for a missing target.
    """

    name: str
    type: str
    nullable: bool
    may_be_left_out: bool
    target_type: str = ""
    dependency: Dependency | None = None
    default_code_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A class whose objects may be parts of a snapshot; ``through`` is the attribute that points at their owner."""

    object_type: str
    through: str
    handling: SnapshotHandling


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectTypeView:
    """An internal type. ``roles`` are attributes by role; ``site_binding`` is empty when the type knows no sites."""

    object_type: str
    class_path: str
    is_page: bool
    table: str
    roles: Mapping[str, str]
    fields: Sequence[FieldView]
    parts: Sequence[PartView]
    site_binding: str


def describe_type(object_class: ObjectClass, catalog: ClassCatalog) -> ObjectTypeView:
    """What a class says about itself, and what the others of the catalog say about it."""
    cls, info = object_class.cls, object_class.info
    keys = {key.attribute: key for key in object_class.foreign_keys}
    parts = [
        PartView(object_type=part.object_type, through=key.attribute, handling=part.info.handling)
        for part, key in catalog.parts_of(object_class)
    ]
    binding = catalog.site_binding_of(object_class)
    return ObjectTypeView(
        object_type=object_class.object_type,
        class_path=f"{cls.__module__}:{cls.__qualname__}",
        is_page=object_class.is_page,
        table=object_class.table.name,
        roles={role: attribute for role in _ROLES if (attribute := getattr(info, role)) is not None},
        fields=[_field(object_class, name, keys.get(name), catalog) for name in object_class.columns],
        parts=sorted(parts, key=lambda part: (part.object_type, part.through)),
        site_binding=binding[0].object_type if binding else "",
    )


def _field(object_class: ObjectClass, name: str, key: ForeignKeyInfo | None, catalog: ClassCatalog) -> FieldView:
    column = object_class.columns[name]
    # The bus allocates ids, and makes the node of a page.
    is_given_by_bus = name == object_class.primary_key or (object_class.is_page and name == "document_node_id")
    has_default = column.default is not None or column.server_default is not None
    return FieldView(
        name=name,
        type=str(column.type),
        nullable=bool(column.nullable),
        may_be_left_out=is_given_by_bus or has_default or bool(column.nullable),
        target_type=_target_of(key, catalog) if key else "",
        dependency=key.dependency if key else None,
        default_code_name=(key.default_code_name or "") if key else "",
    )


def _target_of(key: ForeignKeyInfo, catalog: ClassCatalog) -> str:
    if key.points_at_page:
        return _PAGE
    target = catalog.of_table(key.target_table)
    return target.object_type if target else ""
