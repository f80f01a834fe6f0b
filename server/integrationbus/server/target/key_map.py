"""Which internal object an external id became."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, select, update

from integrationbus.server.storage import schema
from integrationbus.server.storage.insertion import Insertion
from integrationbus.server.storage.search import Search
from integrationbus.server.storage.statement import Statement

__all__ = ["forget", "knows_any", "look_up", "look_up_external_ids", "look_up_pages", "remember"]

_map = schema.key_map
_NEW = Insertion(_map, ("connector_id", "object_type", "external_id", "object_id"))


def knows_any(connection: Connection) -> bool:
    """Whether any connector has made an object that has an external id."""
    return connection.execute(select(_map.c.object_id).limit(1)).first() is not None


def look_up(connection: Connection, connector_id: int, object_type: str, external_ids: Iterable[str]) -> dict[str, int]:
    """Internal ids by external id, for those that are known."""
    of_type = {"connector": connector_id, "type": object_type}
    return dict(_BY_EXTERNAL_ID.rows(connection, list(external_ids), of_type))


_BY_EXTERNAL_ID = Search(
    select(_map.c.external_id, _map.c.object_id).where(
        _map.c.connector_id == bindparam("connector"), _map.c.object_type == bindparam("type")
    ),
    _map.c.external_id,
)


def look_up_external_ids(
    connection: Connection, connector_id: int, object_type: str, object_ids: Iterable[int]
) -> dict[int, list[str]]:
    """External ids by internal id, in their order: several external objects may have become one."""
    statement = (
        select(_map.c.object_id, _map.c.external_id)
        .where(
            _map.c.connector_id == connector_id,
            _map.c.object_type == object_type,
            _map.c.object_id.in_(list(object_ids)),
        )
        .order_by(_map.c.external_id)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.object_id, []).append(row.external_id)
    return found


def look_up_pages(
    connection: Connection, connector_id: int, page_types: Sequence[str], external_ids: Iterable[str]
) -> dict[str, list[int]]:
    """Node ids by external id, over all page types: two of them may use one external id."""
    statement = select(_map.c.external_id, _map.c.object_id).where(
        _map.c.connector_id == connector_id,
        _map.c.object_type.in_(page_types),
        _map.c.external_id.in_(list(external_ids)),
    )
    found: dict[str, list[int]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.external_id, []).append(row.object_id)
    return found


def remember(
    connection: Connection,
    connector_id: int,
    object_type: str,
    *,
    known: Mapping[str, int],
    current: Mapping[str, int],
) -> None:
    """Make the map say ``current``; ``known`` is what it says now, so that nothing is written twice."""
    changed = {
        external_id: object_id for external_id, object_id in current.items() if known.get(external_id) != object_id
    }
    rows = [(connector_id, object_type, *pair) for pair in changed.items() if pair[0] not in known]
    _NEW.run(connection, rows)
    rows = [(connector_id, object_type, *pair) for pair in changed.items() if pair[0] in known]
    if rows:
        _UPDATE.run_each(connection, ("connector", "type", "external", "internal"), rows)


def forget(connection: Connection, object_type: str, object_ids: Sequence[int]) -> None:
    """Drop what every connector knows of deleted objects."""
    connection.execute(delete(_map).where(_map.c.object_type == object_type, _map.c.object_id.in_(object_ids)))


_UPDATE = Statement(
    update(_map)
    .where(
        _map.c.connector_id == bindparam("connector"),
        _map.c.object_type == bindparam("type"),
        _map.c.external_id == bindparam("external"),
    )
    .values(object_id=bindparam("internal"))
)
