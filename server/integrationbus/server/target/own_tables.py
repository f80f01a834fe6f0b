"""The bus's own tables in a target that is a database of its own, made when it is first opened."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy import inspect as look_at

from integrationbus.server.storage import schema
from integrationbus.server.target import key_map

__all__ = [
    "KnownToQueue",
    "TargetUnusable",
    "adopt",
    "bus_applied",
    "bus_holder",
    "is_apart",
    "note_apart",
    "prepare_own_tables",
]

_VERSION = 1

_metadata = MetaData()

# One row: which bus the target belongs to, and which version of these tables it has.
bus_target = Table(
    "bus_target",
    _metadata,
    Column("store_id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
)

# Who may write for a connector: only the holder of the highest epoch that was ever seen here.
bus_holder = Table(
    "bus_holder",
    _metadata,
    Column("connector_id", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)

# What was done for tasks that may not be settled in the queue yet. One row of a batch has the names that it wrote.
bus_applied = Table(
    "bus_applied",
    _metadata,
    Column("connector_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", String(36), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("names", Text, nullable=False),
)

# As in the database of the queue, without the connectors that its ids are of.
Table(
    schema.key_map.name,
    _metadata,
    *(
        Column(column.name, column.type, primary_key=column.primary_key, nullable=column.nullable, autoincrement=False)
        for column in schema.key_map.columns
    ),
    Index("ix_key_map_object_type", "object_type", "object_id"),
)


class TargetUnusable(ValueError):
    """The target cannot be used with this queue; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToQueue:
    """What the database of the queue knows: objects of its own, in its key map, or that there is a target already."""

    objects: bool
    target: bool


def prepare_own_tables(connection: Connection, store_id: str, known: KnownToQueue) -> None:
    """Make the tables in a new target, and check that any other is of this bus. Raises TargetUnusable."""
    if look_at(connection).has_table(schema.store_meta.name):
        raise TargetUnusable("it holds the queue of a bus: name a database without one")
    _metadata.create_all(connection)
    found = connection.execute(select(bus_target)).one_or_none()
    if found is None:
        if known.target:
            raise TargetUnusable("it is new, and the objects of this bus are in another database: name that one")
        if known.objects and not key_map.knows_any(connection):
            raise TargetUnusable(
                "it is new, and the database of the queue has objects already: "
                "copy their tables, and key_map without its foreign key, to the target, or start with a new queue"
            )
        connection.execute(insert(bus_target).values(store_id=store_id, version=_VERSION))
    elif found.store_id != store_id:
        raise TargetUnusable(
            f"it belongs to the bus with the store id {found.store_id}: use an empty database,"
            " or, if both were put back as they were at one moment: integrationbus db adopt"
        )
    elif found.version > _VERSION:
        raise TargetUnusable(f"its tables have version {found.version}, not {_VERSION}: install a newer server")


def is_apart(connection: Connection) -> bool:
    """Whether the database of the queue knows of a target that is a database of its own."""
    return bool(connection.execute(select(schema.store_meta.c.target_apart)).scalar_one())


def note_apart(connection: Connection) -> None:
    """Let the database of the queue know it, for good."""
    connection.execute(update(schema.store_meta).values(target_apart=True))


def adopt(connection: Connection, store_id: str) -> None:
    """Let a target belong to the bus with this id, whatever its bus was before. Raises TargetUnusable for no target."""
    if not look_at(connection).has_table(bus_target.name):
        raise TargetUnusable("it was never a target: a server that starts with it takes it by itself")
    connection.execute(update(bus_target).values(store_id=store_id))
