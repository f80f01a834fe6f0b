"""A bus for the tests of one connector."""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack
from uuid import UUID

from integrationbus.client import (
    BusObject,
    ExternalId,
    HeadAction,
    NewTask,
    Payload,
    PreparedObject,
    Run,
    Task,
    TaskFilter,
    TaskOptions,
    TaskState,
    TaskType,
)
from integrationbus.client.wire.objects import read_object
from integrationbus.client.wire.runs import read_run
from integrationbus.client.wire.tasks import filter_message, read_task
from integrationbus.client.wire.values import external_id_text
from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.discovery import use_connector
from integrationbus.server.connector import HeadAction as StoredHeadAction
from integrationbus.server.errors import ConnectorUnhealthy
from integrationbus.server.loading import SHIPPED_CLASSES
from integrationbus.server.object_view import ByCodeName, ByExternalId, ByGuid, ById, ObjectKey
from integrationbus.server.rpc.queries import read_filter
from integrationbus.server.rpc.render import render_object, render_run, render_task
from integrationbus.server.run import Run as StoredRun
from integrationbus.server.storage.maintenance import upgrade_schema
from integrationbus.server.testing.clock import ManualClock
from integrationbus.server.testing.failures import explain
from integrationbus.server.testing.pipeline import Pipeline

__all__ = ["ConnectorHarness"]

_Fields = Mapping[str, object]

_AT_A_TIME = 500
_HELPER = "integrationbus.testing.given"


class ConnectorHarness:
    """Processes the tasks of one connector as a server does, in the calling thread, when it is told to.

    The parts are the server's own: its checks, its queue, the preparation, the translation of keys, the tables. Tasks
    and objects are those of ``integrationbus.client``. Time stands still until ``clock.advance``.

    ``connector`` is the class. ``database_url`` is an empty database, by default a SQLite file that is removed at the
    end. Raises ConnectorUnhealthy when the class cannot be used; the message says why. Methods raise the errors of
    ``integrationbus.server.errors``.
    """

    def __init__(
        self,
        connector: type[IntegrationConnector],
        *,
        database_url: str | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        found = use_connector(connector)
        if found.problem:
            raise ConnectorUnhealthy(f"{found.class_path} cannot be used: {found.problem}")
        with ExitStack() as resources:
            if database_url is None:
                folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="integrationbus-"))
                path = Path(folder) / "bus.db"
                path.write_bytes(_empty_database())
                database_url = f"sqlite:///{path}"
            self.pipeline = Pipeline(database_url, self.clock, [found, use_connector(_helper_of(connector))])
            resources.callback(self.pipeline.close)
            self.name = connector.name
            self._resources = resources.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the database, and remove it if it is the harness's own."""
        self._resources.close()

    @property
    def connector(self) -> IntegrationConnector:
        """The instance that the bus calls."""
        connector = self.pipeline.registry.get(self.name).connector
        assert connector, "a connector that cannot be used is refused at the start"
        return connector

    # Tasks

    def log_task(self, task_type: TaskType, payload: Payload, **options: Unpack[TaskOptions]) -> Task:
        """Store one task of the connector, and leave it in the line. Raises InvalidRequest."""
        [task] = self.log_tasks([NewTask(self.name, task_type, payload, **options)])
        return task

    def log_tasks(self, new_tasks: Iterable[NewTask]) -> list[Task]:
        """Store tasks in their order, all or none, and leave them in the line.

        Raises InvalidRequest or ConnectorNotFound.
        """
        return [self.task(task_id) for task_id in self.pipeline.log(list(new_tasks))]

    def process(self, task_type: TaskType, payload: Payload, **options: Unpack[TaskOptions]) -> Task:
        """Store one task, run the connector, and return the task as it is then. Raises InvalidRequest."""
        logged = self.log_task(task_type, payload, **options)
        self.run()
        return self.task(logged.id)

    def succeed(self, task_type: TaskType, payload: Payload, **options: Unpack[TaskOptions]) -> Task:
        """As ``process``. Raises AssertionError, with the error of the task, unless it succeeded."""
        task = self.process(task_type, payload, **options)
        if task.state is not TaskState.SUCCEEDED:
            raise AssertionError(explain(task))
        return task

    def task(self, task_id: str) -> Task:
        """A task as it is now, with its payload. Raises TaskNotFound."""
        return read_task(render_task(self.pipeline.store.task(task_id, with_payload=True)))

    def tasks(self, **task_filter: Unpack[TaskFilter]) -> list[Task]:
        """The tasks of the connector in their order, without their payloads; those that fit, with a filter."""
        own: TaskFilter = {"connectors": self.name, **task_filter}
        query = read_filter(filter_message(own), self.pipeline.registry)
        found: list[Task] = []
        after: tuple[int, int] | None = None
        while True:
            page = self.pipeline.store.tasks(
                query, after=after, limit=_AT_A_TIME, with_payload=False, newest_first=False
            )
            found += [read_task(render_task(task)) for task in page.tasks]
            after = page.next_after
            if after is None:
                return found

    # Runs

    def run(self) -> Run:
        """Process the line. STOPPED: the head of the line waits for a retry, for which ``clock`` has to advance."""
        return self._read(self.pipeline.run(self.name))

    def resume(self, head_action: HeadAction = HeadAction.RETRY) -> Run:
        """Release the halted connector, and process the line; ``head_action`` is for the task that halted it."""
        return self._read(self.pipeline.resume(self.name, StoredHeadAction(head_action)))

    # Objects

    def object(
        self, object_type: str, key: int | UUID | str | None = None, *, external_id: ExternalId | None = None
    ) -> BusObject:
        """One object, by internal id (int), GUID (UUID), code name (str; a page's is its path) or external id.

        Raises ObjectNotFound, ObjectTypeNotFound, and ValueError unless exactly one of the two is given.
        """
        return read_object(render_object(self.pipeline.objects.get(object_type, self._key(key, external_id))))

    def objects(self, object_type: str) -> list[BusObject]:
        """The objects of a type, by id. Raises ObjectTypeNotFound."""
        found: list[BusObject] = []
        while True:
            after = found[-1].id if found else 0
            views = self.pipeline.objects.list(object_type, after_id=after, limit=_AT_A_TIME)
            if not views:
                return found
            found += [read_object(render_object(view)) for view in views]

    def given(self, object_type: str, fields: _Fields, *, external_id: ExternalId = "") -> BusObject:
        """Make an object that the connector does not make itself, for example the site of its pages.

        The type is one of the connector's or of the shipped ones. Keys that the connector leaves to the server are
        found only if the connector made their targets itself. Raises AssertionError when the object cannot be made.
        """
        task = NewTask(_HELPER, TaskType.CREATE_OBJECT, PreparedObject(object_type, fields), external_id=external_id)
        [logged] = self.log_tasks([task])
        self.pipeline.run(_HELPER)
        made = self.task(logged.id)
        if made.result is None:
            self.pipeline.resume(_HELPER, StoredHeadAction.DELETE)
            raise AssertionError(explain(made))
        return self.object(object_type, made.result.object_id)

    def _key(self, key: int | UUID | str | None, external_id: ExternalId | None) -> ObjectKey:
        if (key is None) is (external_id is None):
            raise ValueError("name the object by a key or by an external_id, one of them")
        match key:
            case int():
                return ById(key)
            case UUID():
                return ByGuid(key)
            case str():
                return ByCodeName(key)
        assert external_id is not None, "there is one when there is no key"
        return ByExternalId(self.name, external_id_text(external_id, "external_id"))

    def _read(self, ended: StoredRun) -> Run:
        return read_run(render_run(ended, self.pipeline.waiting(self.name)))


@cache
def _empty_database() -> bytes:
    """A database with the tables of the bus. To make them anew for each harness took four fifths of its time."""
    with tempfile.TemporaryDirectory(prefix="integrationbus-") as folder:
        path = Path(folder) / "bus.db"
        upgrade_schema(f"sqlite:///{path}")
        return path.read_bytes()


def _helper_of(connector: type[IntegrationConnector]) -> type[IntegrationConnector]:
    """A connector that makes what ``given`` is told to."""

    class Helper(IntegrationConnector):
        name = _HELPER
        object_classes = tuple(dict.fromkeys([*connector.object_classes, *SHIPPED_CLASSES]))

    return Helper
