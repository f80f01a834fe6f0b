"""The tree of pages of one site: parents, paths and order."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal, select, update

from integrationbus.connectors.models import NodeInfo
from integrationbus.server.problems import TargetRefused

__all__ = ["Node", "PageTree", "path_below"]

_nodes: Any = NodeInfo.__table__
Node = Row[Any]
"""A row of ``cms_tree``."""

_MAX_PATH = 1000
_AT_A_TIME = 1_000  # databases limit the values in a statement


class PageTree:
    """Reads and rearranges the nodes of a site within one transaction."""

    def __init__(self, connection: Connection, site_id: int) -> None:
        self._connection = connection
        self._site_id = site_id

    def one(self, condition: ColumnElement[bool]) -> Node | None:
        """The node that fits, or None."""
        statement = select(_nodes).where(_nodes.c.node_site_id == self._site_id, condition)
        return self._connection.execute(statement).one_or_none()

    def get(self, node_id: int) -> Node | None:
        """The node with an id."""
        return self.one(_nodes.c.node_id == node_id)

    def at(self, path: str) -> Node | None:
        """The node at a path."""
        return self.one(_nodes.c.node_alias_path == path)

    def relocate(self, node: Node, parent: Node | None, alias: str, order: int | None) -> tuple[Node, list[str]]:
        """Put a node below another parent, under another alias, or in another order; returns it with all new paths.

        It keeps its place among its siblings if it stays with them and no order is given, else it comes last. Raises
        TargetRefused when the path is taken, or when the parent is below the node.
        """
        below = list(self._below(node.node_id))
        path, old = path_below(parent, alias), len(node.node_alias_path)
        paths = [path, *(_checked(path + each.node_alias_path[old:]) for each in below)]
        if parent is not None and parent.node_id in {node.node_id, *(each.node_id for each in below)}:
            raise TargetRefused(f"{node.node_alias_path} cannot be moved below itself", field_paths=["node_parent_id"])
        if path != node.node_alias_path:
            if self.at(path) is not None:
                raise TargetRefused(f"there is another page at {path}", field_paths=["node_alias"])
            self._connection.execute(
                update(_nodes)
                .where(_nodes.c.node_id == node.node_id)
                .values(
                    node_parent_id=None if parent is None else parent.node_id, node_alias=alias, node_alias_path=path
                )
            )
            self._repath([each.node_id for each in below], node.node_alias_path, path)
        moved_away = node.node_parent_id != (None if parent is None else parent.node_id)
        if order is not None or moved_away:
            self.put_in_order(node.node_id, parent, order)
        moved = self.get(node.node_id)
        assert moved, "it was there a moment ago"
        return moved, paths

    def put_in_order(self, node_id: int, parent: Node | None, order: int | None) -> None:
        """Make a node the given one among its siblings, counted from 1; None: the last one."""
        condition = _nodes.c.node_parent_id.is_(None) if parent is None else _nodes.c.node_parent_id == parent.node_id
        others = (_nodes.c.node_site_id == self._site_id, condition, _nodes.c.node_id != node_id)
        if order is None:
            newest: int = self._connection.execute(
                select(func.coalesce(func.max(_nodes.c.node_order), 0)).where(*others)
            ).scalar_one()
            self._set_order(node_id, newest + 1)
            return
        statement = select(_nodes.c.node_id, _nodes.c.node_order).where(*others)
        siblings = self._connection.execute(statement.order_by(_nodes.c.node_order, _nodes.c.node_id)).all()
        current = {row.node_id: row.node_order for row in siblings}
        wanted = [row.node_id for row in siblings]
        wanted.insert(order - 1, node_id)
        for place, each in enumerate(wanted, 1):
            if current.get(each) != place:
                self._set_order(each, place)

    def _set_order(self, node_id: int, order: int) -> None:
        self._connection.execute(update(_nodes).where(_nodes.c.node_id == node_id).values(node_order=order))

    def _below(self, node_id: int) -> Iterator[Node]:
        """Everything below a node, level by level."""
        level = [node_id]
        while level:
            rows: list[Node] = []
            for start in range(0, len(level), _AT_A_TIME):
                part = level[start : start + _AT_A_TIME]
                rows += self._connection.execute(select(_nodes).where(_nodes.c.node_parent_id.in_(part)))
            yield from rows
            level = [row.node_id for row in rows]

    def _repath(self, node_ids: list[int], old: str, new: str) -> None:
        path = literal(new) + func.substr(_nodes.c.node_alias_path, len(old) + 1)
        for start in range(0, len(node_ids), _AT_A_TIME):
            part = node_ids[start : start + _AT_A_TIME]
            self._connection.execute(update(_nodes).where(_nodes.c.node_id.in_(part)).values(node_alias_path=path))


def path_below(parent: Node | None, alias: str) -> str:
    """The path of a page with an alias below a parent; None: below the root. Raises TargetRefused for a long one."""
    return _checked(f"{parent.node_alias_path if parent is not None else ''}/{alias}")


def _checked(path: str) -> str:
    if len(path) > _MAX_PATH:
        raise TargetRefused(f"the path of a page has at most {_MAX_PATH} characters, not {len(path)}")
    return path
