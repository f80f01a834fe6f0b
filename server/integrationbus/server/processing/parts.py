"""The children and bindings of a snapshot, as a connector gave them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import ForeignKeyInfo, InvalidObjectClass, ObjectClass, describe
from integrationbus.connectors.snapshot import Part, Snapshot
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import PreparedObject, PreparedPart
from integrationbus.server.problems import WrongObject
from integrationbus.server.processing.given import given_attributes
from integrationbus.server.task import Task

__all__ = ["PartsReader"]

_PrepareObject = Callable[[Task, ObjectClass, Mapping[str, object], str], PreparedObject]

_MAX_LEVELS = 16


class PartsReader:
    """Checks the parts of snapshots, and prepares the objects in them.

    ``own_types`` are the object types that the connector may make.
    """

    def __init__(self, own_types: Collection[str], catalog: ClassCatalog, prepare: _PrepareObject) -> None:
        self._own_types = own_types
        self._catalog = catalog
        self._prepare = prepare

    def read(self, task: Task, owner: ObjectClass, parts: Sequence[Part], level: int = 1) -> list[PreparedPart]:
        """The parts of an object of the class ``owner``. Raises WrongObject."""
        if level > _MAX_LEVELS:
            raise WrongObject(f"a snapshot has at most {_MAX_LEVELS} levels")
        return [self._part(task, owner, part, level) for part in parts]

    def _part(self, task: Task, owner: ObjectClass, part: Part, level: int) -> PreparedPart:
        if not isinstance(part, Part):
            raise WrongObject(f"the parts of a Snapshot are Parts, not {type(part).__name__}")
        object_class = _described(part.object_class)
        if object_class.object_type not in self._own_types:
            raise WrongObject(f"{object_class.object_type} is not among the object_classes of the connector")
        key = self._key(owner, object_class, part.through)
        return PreparedPart(
            object_class=object_class,
            owner_key=key,
            handling=object_class.info.handling if part.handling is None else part.handling,
            objects=list(self._objects(task, object_class, key, part, level)),
        )

    def _key(self, owner: ObjectClass, object_class: ObjectClass, through: str | None) -> ForeignKeyInfo:
        """The key of a part to what it belongs to."""
        possible = self._catalog.parts_of(owner)
        keys = [key for part, key in possible if part is object_class and through in (None, key.attribute)]
        if len(keys) == 1:
            return keys[0]
        if keys:
            names = ", ".join(key.attribute for key in keys)
            raise WrongObject(
                f"{object_class.object_type} may belong to {owner.object_type} through {names}: say which"
            )
        known = ", ".join(sorted({f"{part.object_type} through {key.attribute}" for part, key in possible})) or "none"
        by = f" through {through}" if through else ""
        text = f"{object_class.object_type} is no part of {owner.object_type}{by}; its parts are: {known}"
        raise WrongObject(text)

    def _objects(
        self, task: Task, object_class: ObjectClass, owner_key: ForeignKeyInfo, part: Part, level: int
    ) -> Iterator[PreparedObject]:
        for item in part.objects:
            snapshot = item if isinstance(item, Snapshot) else Snapshot(item)
            instance: Any = snapshot.main
            if not isinstance(instance, InternalObject) or type(instance) is not object_class.cls:
                made = type(instance).__name__
                raise WrongObject(f"a part of {object_class.cls.__name__} holds objects of that class, not {made}")
            given = given_attributes(object_class, instance)
            if given.pop(owner_key.attribute, None) is not None:
                text = (
                    f"{owner_key.attribute} is set by the bus, because the object is part of a snapshot: leave it unset"
                )
                raise WrongObject(text, field_paths=[owner_key.attribute])
            prepared = self._prepare(task, object_class, given, str(snapshot.external_id))
            yield PreparedObject(
                object_class=object_class,
                values=prepared.values,
                keys=prepared.keys,
                external_id=prepared.external_id,
                parts=self.read(task, object_class, snapshot.parts, level + 1),
            )


def _described(cls: object) -> ObjectClass:
    if isinstance(cls, type) and issubclass(cls, InternalObject):
        try:
            return describe(cls)
        except InvalidObjectClass as error:
            raise WrongObject(str(error)) from error
    raise WrongObject(f"a Part names a class of internal objects, not {cls!r}")
