"""Snapshots: an object with its children and bindings."""

from collections.abc import Sequence
from dataclasses import dataclass

from integrationbus.connectors.keys import ExternalId
from integrationbus.connectors.models import BaseInfo
from integrationbus.connectors.task_types import SnapshotHandling

__all__ = ["Part", "Snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An object with what belongs to it; ``prepare_internal_object`` returns one for the data type SNAPSHOT.

    ``external_id`` is the object's id in the external system. The main object of a task has the id of the task, so it
    needs none here. Parts are written after the object, in their order, and all in one transaction.
    """

    main: BaseInfo
    parts: Sequence["Part"] = ()
    external_id: ExternalId = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The children, or the bindings, of one class that belong to an object of a snapshot.

    ``through`` is their attribute that points at the object; it is set by the bus, and needs naming only where several
    could. ``handling`` says what becomes of stored ones that are not mentioned; None: what their class says. An empty
    part with COMPLETE handling deletes them all.
    """

    object_class: type[BaseInfo]
    objects: Sequence[BaseInfo | Snapshot] = ()
    handling: SnapshotHandling | None = None
    through: str | None = None
