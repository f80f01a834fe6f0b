"""A task whose payload has become an internal object, with its foreign keys not translated yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.task import Task, TaskResult

__all__ = ["KeyReference", "NodePlace", "PreparedTask", "Target", "TranslationCache"]

TranslationCache = dict[tuple[str, str], int]
"""Internal ids by ``KeyReference.cache_key``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReference:
    """A foreign key by external id, and where to look for its target.

    ``target`` is None for a page; ``held_by`` is then the class that holds the key, for the connector may answer by it.
    ``params`` is what the connector said; None: look in the key map. ``parent`` and ``group`` are the keys that narrow
    the search, as ``ObjectParams`` names them.
    """

    external_id: str
    target: ObjectClass | None
    held_by: str = ""
    params: ObjectParams | DocumentParams | None = None
    parent: "KeyReference | None" = None
    group: "KeyReference | None" = None

    @property
    def cache_key(self) -> tuple[str, str]:
        """What the translation is remembered under."""
        return (self.target.object_type if self.target else f"page in {self.held_by}", self.external_id)

    def describe(self) -> str:
        """The key as an error message names it."""
        target = self.target.object_type if self.target else "page"
        return f"{target} {self.external_id!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlace:
    """Where a page stands: what the connector set of the ``node_`` attributes. ``parent_id`` is an internal id."""

    guid: UUID | None = None
    alias: str | None = None
    parent_path: str | None = None
    parent_id: int | None = None
    parent_key: KeyReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTask:
    """What is to be written for a task.

    ``values`` are the columns that the connector set, by attribute name, without the foreign keys that need
    translation: those are in ``keys``. ``place`` is set for pages.
    """

    task: Task
    object_class: ObjectClass
    values: Mapping[str, object]
    keys: Sequence[tuple[ForeignKeyInfo, KeyReference]] = field(default=())
    place: NodePlace | None = None


class Target(Protocol):
    """Where prepared tasks are written to."""

    def apply(
        self, handle: object, connector_id: int, batch: Sequence[PreparedTask], cache: TranslationCache
    ) -> Sequence[TaskResult]:
        """Translate and write all of the batch in its order, inside the caller's transaction.

        Returns a result for each. Raises TaskProblem when any of them cannot be written: then none counts, and the
        caller undoes the transaction to its savepoint. Only with a batch of one is it clear whose problem it is.
        ``cache`` is read and extended; it must be dropped after a failure.
        """
        ...
