"""What a connector makes of a task, seen from outside the queue."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from integrationbus.client import BusObject, NewTask
from integrationbus.connectors.attempt import Attempt
from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.payloads.decoder import decode
from integrationbus.server.prepared import PreparedObject, PreparedTask
from integrationbus.server.problems import TaskProblem
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.task import PayloadForm, Task
from integrationbus.server.testing.harness import ConnectorHarness

__all__ = ["Content", "Probe", "content_or_problem", "difference", "stable_fields"]

Content = tuple[object, ...]
"""What is to be written for a task, in comparable form."""

_PREPARED_FORMS = (PayloadForm.OBJECT, PayloadForm.PAGE)


class Probe:
    """Calls an instance of a connector with the tasks of a harness, which stay in the line."""

    def __init__(self, bus: ConnectorHarness, connector: IntegrationConnector) -> None:
        self._bus = bus
        self._connector = connector
        self._preparer = Preparer(connector, bus.pipeline.registry, bus.clock, previews=True)

    def log(self, samples: Iterable[NewTask]) -> list[Task]:
        """The samples as stored tasks. Raises InvalidRequest."""
        ids = self._bus.pipeline.log(list(samples))
        return [self._bus.pipeline.store.task(task_id, with_payload=True) for task_id in ids]

    def argument(self, task: Task) -> object:
        """What the connector is given for a task, decoded anew. Raises PayloadUndecodable."""
        assert task.payload, "it was read with its payload"
        return decode(task.payload, self._connector.accepts)

    def call(self, task: Task, argument: object) -> object:
        """What the connector returns; whatever it raises is let through."""
        self._connector.current_attempt = Attempt(task_id=task.id, number=1, is_preview=True)
        return self._connector.prepare_internal_object(argument, task.task_type, task.data_type, task.site or None)

    def prepare(self, task: Task) -> PreparedTask:
        """What is to be written for a task. Raises TaskProblem."""
        return self._preparer.prepare(task)

    def places_of_keys(self, task: Task) -> Mapping[tuple[str, str], ObjectParams | DocumentParams | None]:
        """Where the connector says to look for each foreign key of a task, asked anew. Raises TaskProblem."""
        self._preparer.forget_keys()
        prepared = self._preparer.prepare(task)
        references = [reference for _, reference in prepared.main.keys]
        if prepared.place and prepared.place.parent_key:
            references.append(prepared.place.parent_key)
        return {reference.cache_key: reference.params for reference in references}

    @staticmethod
    def calls_connector(task: Task) -> bool:
        """Whether the connector is asked at all: the caller may have prepared the object itself."""
        return task.payload is not None and task.payload.form not in _PREPARED_FORMS


def content_or_problem(probe: Probe, task: Task) -> Content | str:
    """What is to be written for a task, without GUIDs, which may be new each time; or why it cannot be prepared."""
    try:
        prepared = probe.prepare(task)
    except TaskProblem as problem:
        return str(problem)
    place = prepared.place
    node = (place.alias, place.parent_path, place.parent_id) if place else ()
    return (_content_of(prepared.main), node)


def _content_of(prepared: PreparedObject) -> Content:
    values = {name: value for name, value in prepared.values.items() if not isinstance(value, UUID)}
    keys = {key.attribute: reference.external_id for key, reference in prepared.keys}
    parts = [(part.handling, [_content_of(item) for item in part.objects]) for part in prepared.parts]
    return (prepared.object_class.object_type, values, keys, parts)


def stable_fields(
    object_class: ObjectClass, objects: Sequence[BusObject], given: Iterable[str]
) -> list[Mapping[str, Any]]:
    """The fields of objects that the same tasks must fill in the same way.

    Left out are GUIDs, and columns outside of ``given`` whose default is computed.
    """
    asked = set(given)
    computed = {
        name
        for name, column in object_class.columns.items()
        if name not in asked and (column.server_default is not None or getattr(column.default, "is_callable", False))
    }
    return [
        {
            name: value
            for name, value in item.fields.items()
            if name not in computed and name != object_class.info.guid and not isinstance(value, UUID)
        }
        for item in objects
    ]


def difference(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> str:
    """The first difference between two lists of fields, in words."""
    for one, other in zip(first, second, strict=False):
        for name in one:
            if one[name] != other[name]:
                return f"{name} was {one[name]!r} and is {other[name]!r}"
    return f"there were {len(first)} and are {len(second)}"
