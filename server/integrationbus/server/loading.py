"""Loading the connectors, each on its own: one that cannot be used keeps none of the others away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.exc import SQLAlchemyError

from integrationbus.connectors import cms
from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.discovery import FoundConnector, find_connectors
from integrationbus.connectors.object_class import ObjectClass, describe
from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.processing.schedule import clock_trigger
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.storage.database import Database
from integrationbus.server.storage.opened import OpenedStore
from integrationbus.server.target.tables import TableMismatch, ensure_tables

__all__ = ["SHIPPED_CLASSES", "load_connectors", "register_connectors"]

SHIPPED_CLASSES = (
    cms.SiteInfo,
    cms.UserInfo,
    cms.RoleInfo,
    cms.UserRoleInfo,
    cms.UserSiteInfo,
    cms.GroupInfo,
    cms.ForumInfo,
    cms.ForumPostInfo,
    cms.Page,
)

_NOT_CONFIGURED = "it is no longer configured; its tasks wait"


def load_connectors(
    opened: OpenedStore, class_paths: Iterable[str], *, use_entry_points: bool = True, target: Database | None = None
) -> ConnectorRegistry:
    """Find the connectors, make their tables, and put them on record with those that were there before.

    ``target`` is the database of the objects; None: that of the store.
    """
    known = {record.class_path: record.name for record in opened.store.connectors()}
    found = find_connectors(class_paths, use_entry_points=use_entry_points)
    return register_connectors(opened, [_by_known_name(item, known) for item in found], target)


def register_connectors(
    opened: OpenedStore, candidates: Sequence[FoundConnector], target: Database | None = None
) -> ConnectorRegistry:
    """Make the tables of connectors that were found, and put them on record with those that were there before."""
    shipped = [describe(cls) for cls in SHIPPED_CLASSES]
    made = {item.name: item.connector for item in candidates}
    found = _checked(target or opened.database, candidates, shipped)
    opened.store.register_connectors({item.name: item.class_path for item in found})
    by_name = {item.name: item for item in found}
    # A path that was mistyped once is no connector.
    records = [each for each in opened.store.connectors() if each.name in by_name or not each.never_began]
    registered = [_registered(record, by_name.get(record.name), made.get(record.name)) for record in records]
    return ConnectorRegistry(registered, shipped)


def _by_known_name(found: FoundConnector, known: Mapping[str, str]) -> FoundConnector:
    """A class that cannot be imported does not say its name; the class path may be on record with it."""
    return found if found.connector else replace(found, name=known.get(found.class_path, found.name))


def _checked(target: Database, found: Sequence[FoundConnector], shipped: Sequence[ObjectClass]) -> list[FoundConnector]:
    """The same connectors; those that cannot work with this database or with the others carry a problem."""
    owners: dict[str, ObjectClass] = {item.object_type: item for item in shipped}
    checked = []
    for item in found:
        problem = item.problem or _problem_of(target, item, owners)
        checked.append(replace(item, connector=None, problem=problem) if problem else item)
        if not problem:
            owners |= _classes_of(item)
    return checked


def _problem_of(target: Database, found: FoundConnector, owners: Mapping[str, ObjectClass]) -> str:
    classes = _classes_of(found)
    taken = [name for name, item in classes.items() if owners.get(name, item) is not item]
    if taken:
        return f"another class has the object type {', '.join(taken)} already"
    try:
        assert found.connector
        clock_trigger(found.connector.trigger)
        with target.write() as connection:
            ensure_tables(connection, classes.values())
    except (ValueError, TableMismatch, SQLAlchemyError) as error:
        return str(error)
    return ""


def _classes_of(found: FoundConnector) -> dict[str, ObjectClass]:
    assert found.connector
    return {item.object_type: item for item in map(describe, found.connector.object_classes)}


def _registered(
    record: ConnectorRecord, found: FoundConnector | None, made: IntegrationConnector | None
) -> RegisteredConnector:
    usable = found is not None and found.connector is not None
    return RegisteredConnector(
        id=record.id,
        name=record.name,
        class_path=record.class_path,
        connector=found.connector if found else None,
        problem=found.problem if found else _NOT_CONFIGURED,
        object_classes=_classes_of(found) if found and usable else {},
        rejected=None if usable else made,
    )
