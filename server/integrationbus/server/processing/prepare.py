"""From a stored task to a prepared one: decode the payload, call the connector, read what it set."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from integrationbus.connectors.attempt import Attempt
from integrationbus.connectors.connector import IntegrationConnector, RetryableError
from integrationbus.connectors.keys import Reference
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, ForeignKeyInfo, ObjectClass, describe
from integrationbus.connectors.snapshot import Snapshot
from integrationbus.server.clock import Clock
from integrationbus.server.errors import ObjectTypeNotFound
from integrationbus.server.payloads.decoder import decode, decode_prepared
from integrationbus.server.prepared import KeyReference, NodePlace, PreparedObject, PreparedTask
from integrationbus.server.problems import ConnectorFailed, PayloadUndecodable, TaskProblem, WrongObject
from integrationbus.server.processing.given import given_attributes
from integrationbus.server.processing.keys import KeyReader
from integrationbus.server.processing.parts import PartsReader
from integrationbus.server.processing.waits import may_wait, wait_limit
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.task import Payload, PayloadForm, Task

__all__ = ["Preparer"]

_PREPARED_FORMS = (PayloadForm.OBJECT, PayloadForm.PAGE)


class Preparer:
    """Prepares the tasks of one connector, outside any transaction. ``previews``: nothing of them will be kept."""

    def __init__(
        self, connector: IntegrationConnector, registry: ConnectorRegistry, clock: Clock, *, previews: bool = False
    ) -> None:
        self._connector = connector
        self._registry = registry
        self._clock = clock
        self._previews = previews
        self._keys = KeyReader(connector, registry)
        self._own_types = frozenset(describe(cls).object_type for cls in connector.object_classes)
        self._parts = PartsReader(self._own_types, registry.classes, self._prepared_object)

    def forget_keys(self) -> None:
        """Ask the connector anew for each key from now on."""
        self._keys.forget()

    def prepare(self, task: Task) -> PreparedTask:
        """Prepare one task. Raises a TaskProblem when its payload, the connector or the object is at fault."""
        assert task.payload, "a claimed task has its payload"
        self._connector.current_attempt = Attempt(
            task_id=task.id, number=task.attempt_count + 1, is_preview=self._previews
        )
        made = self._made(task, task.payload)
        snapshot = made if isinstance(made, Snapshot) else None
        instance = self._checked(task, made if snapshot is None else snapshot.main)
        object_class = describe(type(instance))
        given = given_attributes(object_class, instance)
        main = self._prepared_object(task, object_class, given, task.external_id)
        notes: tuple[str, ...] = ()
        if snapshot is not None and snapshot.parts and task.task_type.writes_columns:
            if task.data_type.carries_parts:
                main = replace(main, parts=self._parts.read(task, object_class, snapshot.parts))
            else:
                notes = (f"its children and bindings were left out: the task is a {task.data_type.name}",)
        return PreparedTask(
            task=task,
            main=main,
            place=self._place(task, object_class, given) if object_class.is_page else None,
            may_wait=may_wait(task, self._connector.missing_key, self._clock.now()),
            wait_limit=wait_limit(task, self._connector.missing_key),
            notes=notes,
        )

    def _made(self, task: Task, payload: Payload) -> object:
        if payload.form in _PREPARED_FORMS:
            return self._prepared(payload)
        obj = decode(payload, self._connector.accepts)
        try:
            return self._connector.prepare_internal_object(obj, task.task_type, task.data_type, task.site or None)
        except BaseException as error:
            retryable = isinstance(error, RetryableError)
            raise ConnectorFailed.by(error, "prepare_internal_object", retryable=retryable) from error

    def _prepared(self, payload: Payload) -> object:
        try:
            return decode_prepared(payload, self._class_of)
        except TaskProblem:
            raise
        except Exception as error:
            # The class is the user's own, and its attributes may check what they are given.
            raise WrongObject(f"{payload.type_name} refused its fields: {type(error).__name__}: {error}") from error

    def _class_of(self, object_type: str) -> ObjectClass:
        try:
            return self._registry.classes.get(object_type)
        except ObjectTypeNotFound as error:
            raise PayloadUndecodable(f"no connector makes {object_type} any more") from error

    def _checked(self, task: Task, instance: object) -> InternalObject:
        """What the connector made, if it is something that this task may have."""
        if not isinstance(instance, InternalObject):
            made = "nothing (None)" if instance is None else type(instance).__name__
            raise WrongObject(f"prepare_internal_object must return an internal object or page; it returned {made}")
        object_class = describe(type(instance))
        if object_class.object_type not in self._own_types:
            raise WrongObject(f"{object_class.object_type} is not among the object_classes of the connector")
        if object_class.is_page is not task.task_type.is_for_pages:
            kind = "a page" if object_class.is_page else "an object"
            raise WrongObject(f"{task.task_type.name} does not go with {object_class.object_type}, which is {kind}")
        if task.object_type and task.object_type != object_class.object_type:
            raise WrongObject(
                f"the task is about a {task.object_type}, the connector made a {object_class.object_type}"
            )
        return instance

    def _prepared_object(
        self, task: Task, object_class: ObjectClass, given: Mapping[str, object], external_id: str
    ) -> PreparedObject:
        """The columns to write as they are, and the foreign keys to translate first."""
        if task.task_type.writes_columns and not object_class.is_page:
            values = dict(given)
        else:
            wanted = object_class.columns.keys() if task.task_type.writes_columns else object_class.identity_attributes
            values = {name: value for name, value in given.items() if name in wanted}
        keys: list[tuple[ForeignKeyInfo, KeyReference]] = []
        for key in object_class.foreign_keys if task.data_type.translates_keys else ():
            value = values.get(key.attribute)
            if value is None:
                continue
            reference = self._keys.of_column(key, value, object_class.object_type)
            if reference is not None:
                keys.append((key, reference))
                del values[key.attribute]
        return PreparedObject(object_class=object_class, values=values, keys=keys, external_id=external_id)

    def _place(self, task: Task, object_class: ObjectClass, given: Mapping[str, object]) -> NodePlace:
        place = {name: given.get(name) for name in NODE_ATTRIBUTES}
        parent = place["node_parent_id"]
        if parent is not None and place["node_parent_path"] is not None:
            raise WrongObject("set node_parent_path or node_parent_id, not both", field_paths=["node_parent_id"])
        parent_id, parent_key = None, None
        if parent is not None and task.data_type.translates_keys:
            parent_key = self._keys.parent_page(parent, object_class.object_type)
        elif parent is not None:
            parent_id = _internal_id(parent)
        return NodePlace(
            guid=_guid(place["node_guid"]),
            alias=_text(place["node_alias"], "node_alias"),
            parent_path=_text(place["node_parent_path"], "node_parent_path"),
            parent_id=parent_id,
            parent_key=parent_key,
            order=_order(place["node_order"]),
        )


def _guid(value: object) -> UUID | None:
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        raise WrongObject(f"node_guid must be a UUID, not {value!r}", field_paths=["node_guid"]) from None


def _text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise WrongObject(f"{name} must be a text, not {type(value).__name__}", field_paths=[name])


def _order(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise WrongObject(f"node_order must be an integer, not {type(value).__name__}", field_paths=["node_order"])


def _internal_id(value: object) -> int:
    text = value.external_id if isinstance(value, Reference) else value
    try:
        return int(str(text))
    except ValueError:
        raise WrongObject(
            f"node_parent_id must be the internal id of a node in a SIMPLE task, not {text!r}",
            field_paths=["node_parent_id"],
        ) from None
