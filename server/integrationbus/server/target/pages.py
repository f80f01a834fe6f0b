"""Writing pages: one at a time, since a page may be the parent of the next."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, insert, select, update

from integrationbus.connectors.models import NodeInfo, WorkflowStep
from integrationbus.server.object_names import PAGE, ObjectName, by_path
from integrationbus.server.prepared import NodePlace, PreparedTask
from integrationbus.server.problems import IdentityMissing, MissingKey, ParentNotFound, TargetNotFound, TargetRefused
from integrationbus.server.target import key_map
from integrationbus.server.target.deletion import Deletion
from integrationbus.server.target.ids import allocate_ids
from integrationbus.server.target.page_tree import Node, PageTree, path_below
from integrationbus.server.target.row import TargetRow
from integrationbus.server.target.session import TargetSession
from integrationbus.server.task import AwaitedKey, TaskEffect, TaskResult, TaskType

__all__ = ["PageWriter"]

_nodes: Any = NodeInfo.__table__

_STEPS = {
    TaskType.PUBLISH_DOCUMENT: (WorkflowStep.PUBLISHED, TaskEffect.PUBLISHED),
    TaskType.ARCHIVE_DOCUMENT: (WorkflowStep.ARCHIVED, TaskEffect.ARCHIVED),
    TaskType.REJECT_DOCUMENT: (WorkflowStep.EDIT, TaskEffect.REJECTED),
}


class PageWriter:
    """Does what one task wants of a page, within one transaction. ``appeared`` are the names that the page has then."""

    def __init__(self, session: TargetSession, item: PreparedTask, row: TargetRow) -> None:
        assert item.place, "a page has a place"
        self._connection = session.connection
        self._connector_id = session.connector_id
        self._catalog = session.catalog
        self._translator = session.translator
        self._page = item.object_class
        self._task_type = item.task.task_type
        self._row = row
        self._place = _checked(item.place)
        self._site_name = item.task.site
        self._site_id = session.translator.site_id(item.task.site)
        self._tree = PageTree(session.connection, self._site_id)
        self.appeared: set[ObjectName] = set()

    def apply(self) -> TaskResult:
        """Do it. Raises a TaskProblem, with something written perhaps."""
        match self._task_type:
            case TaskType.DELETE_DOCUMENT:
                return self._delete_culture()
            case TaskType.DELETE_ALL_CULTURES:
                return self._delete_all()
            case TaskType.MOVE_DOCUMENT:
                return self._move()
            case TaskType.CREATE_DOCUMENT | TaskType.UPDATE_DOCUMENT:
                return self._write()
            case _:
                return self._set_step()

    def _write(self) -> TaskResult:
        """Create or update one culture version; a page that is not there yet is put below its parent."""
        parent = self._parent()
        node = self._find(self._place, parent)
        if node is None:
            node = self._insert_node(parent)
        else:
            self._check_class(node)
            if self._place.names_a_parent and node.node_parent_id != (None if parent is None else parent.node_id):
                note = f"the page stays at {node.node_alias_path}: MOVE_DOCUMENT puts it below another parent"
                self._row = replace(self._row, notes=(*self._row.notes, note))
            elif self._place.alias not in (None, node.node_alias) or self._place.order is not None:
                own_parent = self._tree.get(node.node_parent_id) if node.node_parent_id is not None else None
                node = self._relocate(node, own_parent)
        document_id, effect = self._write_document(node.node_id)
        self._remember(node.node_id)
        self.appeared.add(by_path(self._site_name, node.node_alias_path))
        return self._result(effect, document_id)

    def _delete_culture(self) -> TaskResult:
        node = self._find_for_deletion()
        document_id = None if node is None else self._document_id(node.node_id)
        if document_id is None:
            return self._result(TaskEffect.NOTHING_TO_DELETE, 0)
        deletion = Deletion(self._connection, self._catalog)
        deletion.delete(self._page, [document_id])
        return replace(self._result(TaskEffect.DELETED, document_id), touched=deletion.touched)

    def _delete_all(self) -> TaskResult:
        node = self._find_for_deletion()
        if node is None:
            return self._result(TaskEffect.NOTHING_TO_DELETE, 0)
        self._check_class(node)
        deletion = Deletion(self._connection, self._catalog)
        deletion.delete_page(node.node_id)
        return replace(self._result(TaskEffect.DELETED, node.node_id), touched=deletion.touched)

    def _move(self) -> TaskResult:
        """Move the page below the given parent; it is found by what does not change with the move."""
        if self._place.guid is None and not self._row.external_id:
            raise IdentityMissing("set node_guid, or give the task an external_id: the path is where the page goes")
        node = self._found(self._find(replace(self._place, alias=None), None))
        if self._place.names_a_parent:
            parent = self._parent()
        else:
            parent = self._tree.get(node.node_parent_id) if node.node_parent_id is not None else None
        node = self._relocate(node, parent)
        return self._result(TaskEffect.MOVED, node.node_id)

    def _set_step(self) -> TaskResult:
        node = self._found(self._find_for_deletion())
        document_id = self._document_id(node.node_id)
        if document_id is None:
            culture = self._row.values["document_culture"]
            raise TargetNotFound(f"the page at {node.node_alias_path} has no culture {culture}: create it first")
        step, effect = _STEPS[self._task_type]
        values = {self._page.columns["document_workflow_step"].name: step.value}
        self._connection.execute(update(self._page.table).where(self._page.id_column == document_id).values(values))
        return self._result(effect, document_id)

    def _parent(self) -> Node | None:
        """The parent page; None when the page stands at the root of its site. Raises ParentNotFound."""
        place, parent_id = self._place, self._place.parent_id
        if place.parent_key is not None:
            parent_id = self._translator.internal_id(place.parent_key)
            if parent_id is None:
                key = self._translator.missing_key(place.parent_key, "node_parent_id")
                text = f"the parent {place.parent_key.describe()} does not exist: create it first"
                raise ParentNotFound(text, [key], field_paths=["node_parent_id"])
        path = (place.parent_path or "/").rstrip("/")
        if parent_id is None and not path:
            return None
        node = self._tree.get(parent_id) if parent_id is not None else self._tree.at(path)
        if node is None:
            where = f"with id {parent_id}" if parent_id is not None else f"at {path}"
            attribute = "node_parent_id" if parent_id is not None else "node_parent_path"
            awaited = AwaitedKey(object_type=PAGE, external_id=path, attribute=attribute)
            missing = [] if parent_id is not None else [MissingKey(awaited, by_path(self._site_name, path))]
            text = f"there is no page {where} on the site: create it first"
            raise ParentNotFound(text, missing, field_paths=[attribute])
        return node

    def _find(self, place: NodePlace, parent: Node | None) -> Node | None:
        """The page: by GUID, else by what the key map knows, else by path. Raises IdentityMissing."""
        if place.guid is None and place.alias is None and not self._row.external_id:
            raise IdentityMissing("set node_guid or node_alias, or give the task an external_id")
        node = None if place.guid is None else self._tree.one(_nodes.c.node_guid == place.guid)
        if node is None and self._row.external_id:
            known = self._known()
            node = self._tree.get(known[self._row.external_id]) if known else None
        if node is None and place.alias is not None:
            there = self._tree.at(path_below(parent, place.alias))
            if there is not None and (place.guid is None or there.node_guid == place.guid):
                node = there
        return node

    def _known(self) -> dict[str, int]:
        return key_map.look_up(self._connection, self._connector_id, self._page.object_type, [self._row.external_id])

    def _find_for_deletion(self) -> Node | None:
        """The page; one below a parent that is gone can only be found by what does not depend on its path."""
        try:
            parent = self._parent()
        except ParentNotFound:
            nameless = replace(self._place, alias=None)
            findable = self._place.guid is not None or self._row.external_id
            return self._find(nameless, None) if findable else None
        return self._find(self._place, parent)

    def _found(self, node: Node | None) -> Node:
        if node is None:
            name = self._place.guid or self._row.external_id or self._place.alias
            raise TargetNotFound(f"there is no page {str(name)!r} on the site: create it first")
        self._check_class(node)
        return node

    def _check_class(self, node: Node) -> None:
        if node.node_class != self._page.object_type:
            text = f"the page at {node.node_alias_path} is a {node.node_class}, not a {self._page.object_type}"
            raise TargetRefused(text)

    def _insert_node(self, parent: Node | None) -> Node:
        if self._place.alias is None:
            raise IdentityMissing("a new page needs a node_alias", field_paths=["node_alias"])
        node_id = allocate_ids(self._connection, _nodes, 1)[0]
        values = {
            "node_id": node_id,
            "node_guid": self._place.guid or uuid4(),
            "node_site_id": self._site_id,
            "node_parent_id": None if parent is None else parent.node_id,
            "node_class": self._page.object_type,
            "node_alias": self._place.alias,
            "node_alias_path": path_below(parent, self._place.alias),
        }
        self._connection.execute(insert(_nodes).values(values))
        self._tree.put_in_order(node_id, parent, self._place.order)
        node = self._tree.get(node_id)
        assert node, "it was inserted a moment ago"
        return node

    def _relocate(self, node: Node, parent: Node | None) -> Node:
        """Give the page another parent, alias or order, and everything below it its new path."""
        moved, paths = self._tree.relocate(node, parent, self._place.alias or node.node_alias, self._place.order)
        self.appeared |= {by_path(self._site_name, path) for path in paths}
        return moved

    def _write_document(self, node_id: int) -> tuple[int, TaskEffect]:
        page = self._page
        columns = {page.columns[attribute].name: value for attribute, value in self._row.values.items()}
        document_id = self._document_id(node_id)
        if document_id is not None:
            self._connection.execute(update(page.table).where(page.id_column == document_id).values(columns))
            return document_id, TaskEffect.UPDATED
        document_id = allocate_ids(self._connection, page.table, 1)[0]
        keys = {page.id_column.name: document_id, page.columns["document_node_id"].name: node_id}
        self._connection.execute(insert(page.table).values(columns | keys))
        return document_id, TaskEffect.CREATED

    def _document_id(self, node_id: int) -> int | None:
        culture = self._row.values.get("document_culture")
        if not culture:
            raise IdentityMissing("a page needs a document_culture", field_paths=["document_culture"])
        condition: ColumnElement[bool] = self._page.columns["document_node_id"] == node_id
        statement = select(self._page.id_column).where(condition, self._page.columns["document_culture"] == culture)
        found: Any = self._connection.execute(statement).scalar_one_or_none()
        return None if found is None else int(found)

    def _remember(self, node_id: int) -> None:
        if self._row.external_id:
            place = (self._connection, self._connector_id, self._page.object_type)
            key_map.remember(*place, known=self._known(), current={self._row.external_id: node_id})

    def _result(self, effect: TaskEffect, object_id: int) -> TaskResult:
        return TaskResult(effect=effect, object_type=self._page.object_type, object_id=object_id, notes=self._row.notes)


def _checked(place: NodePlace) -> NodePlace:
    if place.alias is not None and "/" in place.alias:
        raise TargetRefused("node_alias is one segment of the path and has no slash", field_paths=["node_alias"])
    if place.order is not None and place.order < 1:
        raise TargetRefused(f"node_order counts from 1, so it cannot be {place.order}", field_paths=["node_order"])
    return place
