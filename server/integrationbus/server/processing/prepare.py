"""From a stored task to a prepared one: decode the payload, call the connector, read what it set."""

from collections.abc import Mapping
from uuid import UUID

from integrationbus.connectors.connector import IntegrationConnector, RetryableError
from integrationbus.connectors.keys import Reference
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, ForeignKeyInfo, ObjectClass, describe
from integrationbus.server.errors import ObjectTypeNotFound
from integrationbus.server.payloads.decoder import decode, decode_prepared
from integrationbus.server.prepared import KeyReference, NodePlace, PreparedTask
from integrationbus.server.problems import ConnectorFailed, PayloadUndecodable, TaskProblem, WrongObject
from integrationbus.server.processing.keys import KeyReader
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.task import Payload, PayloadForm, Task

__all__ = ["Preparer"]

_PREPARED_FORMS = (PayloadForm.OBJECT, PayloadForm.PAGE)


class Preparer:
    """Prepares the tasks of one connector, outside any transaction."""

    def __init__(self, connector: IntegrationConnector, registry: ConnectorRegistry) -> None:
        self._connector = connector
        self._registry = registry
        self._keys = KeyReader(connector, registry)
        self._own_types = frozenset(describe(cls).object_type for cls in connector.object_classes)

    def forget_keys(self) -> None:
        """Ask the connector anew for each key from now on."""
        self._keys.forget()

    def prepare(self, task: Task) -> PreparedTask:
        """Prepare one task. Raises a TaskProblem when its payload, the connector or the object is at fault."""
        assert task.payload, "a claimed task has its payload"
        instance = self._checked(task, self._instance(task, task.payload))
        object_class = describe(type(instance))
        given = _given_attributes(object_class, instance)
        values, keys = self._split_keys(task, object_class, given)
        place = self._place(task, object_class, given) if object_class.is_page else None
        return PreparedTask(task=task, object_class=object_class, values=values, keys=keys, place=place)

    def _instance(self, task: Task, payload: Payload) -> object:
        if payload.form in _PREPARED_FORMS:
            return self._prepared(payload)
        obj = decode(payload, self._connector.accepts)
        try:
            return self._connector.prepare_internal_object(obj, task.task_type, task.data_type, task.site or None)
        except BaseException as error:
            retryable = isinstance(error, RetryableError)
            raise ConnectorFailed.by(error, "prepare_internal_object", retryable=retryable) from error

    def _prepared(self, payload: Payload) -> object:
        object_class = self._class_of(payload.type_name)
        try:
            return decode_prepared(payload, object_class)
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

    def _split_keys(
        self, task: Task, object_class: ObjectClass, given: Mapping[str, object]
    ) -> tuple[dict[str, object], list[tuple[ForeignKeyInfo, KeyReference]]]:
        """The columns to write as they are, and the foreign keys to translate first."""
        wanted = object_class.identity_attributes if task.task_type.is_deletion else object_class.columns.keys()
        values = {name: value for name, value in given.items() if name in wanted}
        keys: list[tuple[ForeignKeyInfo, KeyReference]] = []
        if not task.data_type.translates_keys:
            return values, keys
        for key in object_class.foreign_keys:
            value = values.get(key.attribute)
            if value is None:
                continue
            reference = self._keys.of_column(key, value, object_class.object_type)
            if reference is not None:
                keys.append((key, reference))
                del values[key.attribute]
        return values, keys

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
        )


def _given_attributes(object_class: ObjectClass, instance: InternalObject) -> dict[str, object]:
    """What the connector set, and nothing else: an attribute that was not touched is not in the instance."""
    known = set(object_class.columns) | set(NODE_ATTRIBUTES if object_class.is_page else ())
    given = {name: value for name, value in vars(instance).items() if not name.startswith("_")}
    misspelt = sorted(name for name in given if name not in known and not hasattr(type(instance), name))
    if misspelt:
        raise WrongObject(f"{object_class.object_type} has no attribute {', '.join(misspelt)}", field_paths=misspelt)
    reserved = [object_class.primary_key, *(["document_node_id"] if object_class.is_page else [])]
    for name in reserved:
        if given.get(name) is not None:
            raise WrongObject(f"{name} is the bus's own: leave it unset", field_paths=[name])
    return {name: value for name, value in given.items() if name in known and name not in reserved}


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


def _internal_id(value: object) -> int:
    text = value.external_id if isinstance(value, Reference) else value
    try:
        return int(str(text))
    except ValueError:
        raise WrongObject(
            f"node_parent_id must be the internal id of a node in a SIMPLE task, not {text!r}",
            field_paths=["node_parent_id"],
        ) from None
