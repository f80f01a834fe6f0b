"""The bases of internal classes: SQLAlchemy declarative models that the bus can write to.

A class descends from :class:`BaseInfo` (objects) or :class:`TreeNode` (pages). Its table is a real table in the bus's
database, with real columns and real foreign keys; users query it with SQL and point tables of their own at it. What the
bus must know beyond the mapping stands in ``type_info`` and in the ``depends`` of each foreign key.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, MetaData, String, UniqueConstraint, Uuid, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, declared_attr, mapped_column, validates

from integrationbus.connectors.keys import ExternalId
from integrationbus.connectors.task_types import SnapshotHandling

__all__ = [
    "BaseInfo",
    "Dependency",
    "InternalObject",
    "NodeInfo",
    "TreeNode",
    "TypeInfo",
    "WorkflowStep",
    "foreign_key",
]

_DEPENDENCY = "integrationbus.dependency"
_DEFAULT_CODE_NAME = "integrationbus.default_code_name"


class Dependency(Enum):
    """What becomes of an object when the target of one of its foreign keys is missing, or is deleted later."""

    REQUIRED = "required"
    """Missing: the task fails with KEY_NOT_FOUND, or waits. Deleted: this object is deleted with it."""
    REQUIRED_HAS_DEFAULT = "required_has_default"
    """Missing or deleted: the declared default object takes its place."""
    NOT_REQUIRED = "not_required"
    """Missing or deleted: the column becomes null."""
    BINDING = "binding"
    """The object is a binding. Missing: a snapshot leaves this binding out, and a task about it fails with
    KEY_NOT_FOUND, or waits. Deleted: the binding is deleted."""


class WorkflowStep(StrEnum):
    """Where a culture version of a page stands: published unless somebody says otherwise."""

    EDIT = "edit"
    PUBLISHED = "published"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeInfo:
    """What the bus knows of an internal class besides its mapping. All but ``object_type`` are attribute names.

    An object is found by its GUID, else by its code name within its site and parent, else by the external id of the
    task. A class without ``code_name`` and ``guid`` is a binding: it is found by its foreign keys together. A binding
    with a ``site`` is what ADD_TO_SITE makes for the class at its other end.

    ``handling`` says what becomes of stored objects of this class when they are parts of another object's snapshot and
    it does not mention them; a snapshot may say otherwise.
    """

    object_type: str
    code_name: str | None = None
    guid: str | None = None
    site: str | None = None
    parent: str | None = None
    group: str | None = None
    display_name: str | None = None
    handling: SnapshotHandling = SnapshotHandling.COMPLETE


class InternalObject(DeclarativeBase):
    """The root of all internal classes: one metadata, so that their foreign keys can meet."""

    type_info: ClassVar[TypeInfo]

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - attributes of any type
        """Set these attributes. Raises TypeError for one that the class does not have.

        As SQLAlchemy's own constructor, but without its record of what changed, which is of no use for an object that
        is not stored. To make the object is the largest part of many connectors (measured: half of the time for it).
        """
        cls = type(self)
        plain, values = _plain_attributes(cls), vars(self)
        for name, value in given.items():
            if name in plain:
                values[name] = value
            elif hasattr(cls, name):
                setattr(self, name, value)
            else:
                raise TypeError(f"{name!r} is an invalid keyword argument for {cls.__name__}")


@cache
def _plain_attributes(cls: type[InternalObject]) -> frozenset[str]:
    """The columns whose values nobody checks or changes when they are set."""
    mapper = inspect(cls, raiseerr=False)
    columns = () if mapper is None else mapper.column_attrs.keys()
    return frozenset(name for name in columns if not getattr(cls, name).impl.dispatch.set)


class BaseInfo(InternalObject):
    """The base of objects.

    A subclass has one integer primary key, and sets ``type_info``. Only the attributes that a connector sets are
    written: the others keep their value on update and take the column's default on create.
    """

    __abstract__ = True


class NodeInfo(InternalObject):
    """A page in the tree of its site, common to all its cultures. Written by the bus only."""

    __tablename__ = "cms_tree"
    __table_args__ = (UniqueConstraint("node_site_id", "node_alias_path"),)

    node_id: Mapped[int] = mapped_column(primary_key=True)
    node_guid: Mapped[UUID] = mapped_column(Uuid, unique=True, default=uuid4)
    node_site_id: Mapped[int] = mapped_column(ForeignKey("cms_site.site_id"))
    node_parent_id: Mapped[int | None] = mapped_column(ForeignKey("cms_tree.node_id"), index=True)
    node_class: Mapped[str] = mapped_column(String(200))
    node_alias: Mapped[str] = mapped_column(String(200))
    node_alias_path: Mapped[str] = mapped_column(String(1000))
    node_order: Mapped[int] = mapped_column(default=0)


class TreeNode(InternalObject):
    """The base of pages: a row is one culture version of a page.

    The attributes that start with ``node_`` describe the page's place in the tree and are kept in ``cms_tree``. A page
    is found by ``node_guid``, else by its path: ``node_alias`` below the parent. The parent is ``node_parent_path``, or
    ``node_parent_id``: an external id, or the internal id of a node when the task translates no keys. ``node_order`` is
    the place among the pages with the same parent, 1 for the first; a new page comes last unless it is set. Foreign
    keys that point at pages reference ``cms_tree.node_id``.
    """

    __abstract__ = True
    __allow_unmapped__ = True

    document_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-3)
    document_culture: Mapped[str] = mapped_column(String(20), sort_order=-1)
    document_workflow_step: Mapped[str] = mapped_column(String(20), default=WorkflowStep.PUBLISHED.value)

    node_guid: UUID | None = None
    node_alias: str | None = None
    node_parent_path: str | None = None
    node_parent_id: ExternalId | None = None
    node_order: int | None = None

    @validates("document_workflow_step")
    def _known_step(self, _: str, step: str) -> str:
        return WorkflowStep(step).value

    @declared_attr
    def document_node_id(cls) -> Mapped[int]:  # noqa: N805 - SQLAlchemy calls it with the class
        """The page that this is a culture version of."""
        return mapped_column(ForeignKey("cms_tree.node_id"), sort_order=-2)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - SQLAlchemy calls it with the class
        """One row a page and culture."""
        return (UniqueConstraint("document_node_id", "document_culture"),)


def foreign_key(
    target: str,
    depends: Dependency,
    *,
    default_code_name: str | None = None,
    **options: Any,  # noqa: ANN401 - SQLAlchemy's
) -> MappedColumn[Any]:
    """A column that points at another internal class.

    ``target`` is "table.column", as in SQLAlchemy's ForeignKey. REQUIRED_HAS_DEFAULT needs ``default_code_name``, the
    code name of the object that stands in. ``options`` go to ``mapped_column``.
    """
    if (depends is Dependency.REQUIRED_HAS_DEFAULT) != (default_code_name is not None):
        raise ValueError(f"foreign key to {target}: default_code_name goes with REQUIRED_HAS_DEFAULT, and only with it")
    info = {_DEPENDENCY: depends, _DEFAULT_CODE_NAME: default_code_name}
    return mapped_column(ForeignKey(target), info=info, **options)
