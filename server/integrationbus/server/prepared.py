"""A task whose payload has become an internal object, with its foreign keys not translated yet."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.server.object_names import (
    PAGE,
    ObjectName,
    by_code_name,
    by_ends,
    by_external_id,
    by_guid,
    by_path,
)
from integrationbus.server.preview import KeyFinding, Rehearsal
from integrationbus.server.problems import MissingTarget
from integrationbus.server.task import Task, TaskResult
from integrationbus.server.value import value

__all__ = [
    "Application",
    "KeyReference",
    "NodePlace",
    "Outcome",
    "PreparedObject",
    "PreparedPart",
    "PreparedTask",
    "Target",
    "TranslationCache",
]

TranslationCache = dict[tuple[str, str], int]
"""Internal ids by ``KeyReference.cache_key``."""

Outcome = TaskResult | MissingTarget
"""What a task did, or what it has to wait for."""


@value
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
    cache_key: tuple[str, str] = field(init=False, compare=False)
    """What the translation is remembered under."""

    def __post_init__(self) -> None:
        kind = self.target.object_type if self.target else f"page in {self.held_by}"
        object.__setattr__(self, "cache_key", (kind, self.external_id))

    @property
    def object_type(self) -> str:
        """The type of the target; "page" for any page."""
        return self.target.object_type if self.target else PAGE

    def name(self, connector_id: int) -> ObjectName:
        """The name under which the target will be recognised when it is written."""
        match self.params:
            case ObjectParams():
                return by_code_name(self.object_type, self.params.code_name)
            case DocumentParams():
                return by_guid(PAGE, self.params.node_guid)
            case _:
                return by_external_id(self.object_type, connector_id, self.external_id)

    @property
    def shown_id(self) -> str:
        """The external id as people see it: without the NUL that tells the bus's own keys from those of callers."""
        return self.external_id.lstrip("\0")

    def describe(self) -> str:
        """The key as an error message names it."""
        return f"{self.object_type} {self.shown_id!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlace:
    """Where a page stands: what the connector set of the ``node_`` attributes. ``parent_id`` is an internal id."""

    guid: UUID | None = None
    alias: str | None = None
    parent_path: str | None = None
    parent_id: int | None = None
    parent_key: KeyReference | None = None
    order: int | None = None

    @property
    def names_a_parent(self) -> bool:
        """Whether the parent is given, if only as the root."""
        return self.parent_path is not None or self.parent_id is not None or self.parent_key is not None


@value
class PreparedObject:
    """An object, or a culture version of a page, that is to be written.

    ``values`` are the columns that the connector set, by attribute name, without the foreign keys that need
    translation: those are in ``keys``. ``parts`` are children and bindings, and only in a snapshot.
    """

    object_class: ObjectClass
    values: Mapping[str, object]
    keys: Sequence[tuple[ForeignKeyInfo, KeyReference]] = ()
    external_id: str = ""
    parts: Sequence["PreparedPart"] = ()

    def names(self, connector_id: int) -> Iterator[ObjectName]:
        """Everything that the object can be recognised by: its external id, its GUID, its code name."""
        info = self.object_class.info
        object_type = PAGE if self.object_class.is_page else info.object_type
        if self.external_id:
            yield by_external_id(object_type, connector_id, self.external_id)
        if info.guid and self.values.get(info.guid) is not None:
            yield by_guid(object_type, str(self.values[info.guid]))
        if info.code_name and self.values.get(info.code_name) is not None:
            yield by_code_name(object_type, str(self.values[info.code_name]))
        ends = {key.attribute: reference.external_id for key, reference in self.keys}
        if self.object_class.is_binding and len(ends) == len(self.object_class.foreign_keys):
            yield by_ends(object_type, ends)

    def all_names(self, connector_id: int) -> Iterator[ObjectName]:
        """The names of the object, and of everything in its parts."""
        yield from self.names(connector_id)
        for part in self.parts:
            for item in part.objects:
                yield from item.all_names(connector_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPart:
    """The children, or bindings, of one class in a snapshot; ``owner_key`` is their key to what they belong to."""

    object_class: ObjectClass
    owner_key: ForeignKeyInfo
    handling: SnapshotHandling
    objects: Sequence[PreparedObject]


@value
class PreparedTask:
    """What is to be done for a task. ``place`` is set for pages.

    ``may_wait`` says whether the task waits for a target that is missing, and ``wait_limit`` how long (None: for ever);
    otherwise the attempt fails. ``notes`` are remarks on what was prepared.
    """

    task: Task
    main: PreparedObject
    place: NodePlace | None = None
    may_wait: bool = False
    wait_limit: timedelta | None = None
    notes: tuple[str, ...] = ()

    @property
    def object_class(self) -> ObjectClass:
        """The class of the main object."""
        return self.main.object_class

    @property
    def is_snapshot(self) -> bool:
        """Whether children and bindings are written along."""
        return self.task.data_type.carries_parts and self.task.task_type.writes_columns

    def names(self, connector_id: int) -> Iterator[ObjectName]:
        """Everything that the main object, and each part of it, can be recognised by."""
        yield from self.main.all_names(connector_id)
        place = self.place
        if place is not None and place.guid is not None:
            yield by_guid(PAGE, place.guid)
        if place is not None and place.alias is not None and place.parent_key is None and place.parent_id is None:
            yield by_path(self.task.site, f"{(place.parent_path or '').rstrip('/')}/{place.alias}")


@dataclass(slots=True, kw_only=True)
class Application:
    """What a batch is applied with, and what is learned meanwhile.

    ``handle`` is the transaction to write through. ``cache`` is read and extended, and must be dropped after a failure.
    ``held`` are the objects that waiting tasks of the connector are about, with the places and external ids of these
    tasks: a later task about one of them waits behind it. ``done`` are the tasks that wrote, ``appeared`` are names of
    what was written that they do not say, and ``written`` the objects themselves, by type and id. ``look_only`` is
    enough to see what is missing: simple objects are not written then, so that no row is locked.
    """

    handle: object
    connector_id: int
    cache: TranslationCache
    held: dict[ObjectName, dict[int, str]] = field(default_factory=dict)
    done: list[PreparedTask] = field(default_factory=list)
    appeared: set[ObjectName] = field(default_factory=set)
    written: set[tuple[str, int]] = field(default_factory=set)
    look_only: bool = False

    def attempt(self) -> "Application":
        """The same, for an attempt that may be undone: what it learns is its own until it is kept."""
        return Application(
            handle=self.handle,
            connector_id=self.connector_id,
            cache=self.cache,
            held={name: dict(places) for name, places in self.held.items()},
        )

    def keep(self, attempt: "Application") -> None:
        """Take over what an attempt learned."""
        self.held = attempt.held
        self.done += attempt.done
        self.appeared |= attempt.appeared
        self.written |= attempt.written


class Target(Protocol):
    """Where prepared tasks are written to."""

    def apply(self, batch: Sequence[PreparedTask], application: Application) -> Sequence[Outcome]:
        """Translate and write all of the batch in its order, inside the caller's transaction.

        Returns an outcome for each; a task that has to wait wrote nothing. Raises TaskProblem when any of them cannot
        be written: then none counts, and the caller undoes the transaction, or goes back to a savepoint in it. Only
        with a batch of one is it clear whose problem it is.
        """
        ...

    def names_of_written(self, application: Application) -> Collection[ObjectName]:
        """The names that what was written has now, whether its tasks said them or not."""
        ...

    def find_keys(self, prepared: PreparedTask, application: Application) -> Sequence[KeyFinding]:
        """Where the foreign keys of the main object lead. Raises TaskProblem."""
        ...

    def rehearse(self, prepared: PreparedTask, application: Application) -> Rehearsal:
        """Apply one task, look at the object before and after, and undo it. Raises TaskProblem."""
        ...
