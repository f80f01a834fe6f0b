"""The in-process door: tasks straight into the database, from Python, while no server runs."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self, Unpack

from integrationbus.client import LoggedTask, NewTask, Payload, ResumeToken, TaskOptions, TaskType
from integrationbus.client.wire.tasks import task_spec
from integrationbus.server.clock import SystemClock
from integrationbus.server.limits import Limits
from integrationbus.server.loading import load_connectors
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.rpc.intake import check_creator, check_task_at, request_key
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target_database import open_target
from integrationbus.server.task import NewTask as CheckedTask

__all__ = ["Door"]


class Door:
    """Logs tasks into a database, with the checks of the server. A server that starts later processes them.

    ``connectors`` are classes as "module:Class"; tasks for connectors that are on record already are accepted, too.
    ``target_url`` is that of the server, if its objects are in a database of their own. Making one raises DatabaseInUse
    while a server works on the SQLite file: then log through the server.
    """

    def __init__(
        self,
        database_url: str,
        *,
        application: str,
        connectors: Sequence[str] = (),
        use_entry_points: bool = True,
        target_url: str = "",
    ) -> None:
        self._creator = check_creator(application)
        self._limits = Limits()
        self._opened = open_store(database_url, SystemClock())
        try:
            with closing(open_target(self._opened, target_url)) as target:
                self._registry = load_connectors(
                    self._opened, connectors, use_entry_points=use_entry_points, target=target.database
                )
        except BaseException:
            self._opened.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others have the database."""
        self._opened.close()

    def log_task(
        self,
        connector: str,
        task_type: TaskType,
        payload: Payload,
        *,
        request_id: str = "",
        **options: Unpack[TaskOptions],
    ) -> LoggedTask:
        """Store one task; see ``Client.log_task``. Raises the errors of the server's domain."""
        [logged] = self.log_tasks([NewTask(connector, task_type, payload, **options)], request_id=request_id)
        return logged

    def log_tasks(self, tasks: Iterable[NewTask], *, request_id: str = "") -> list[LoggedTask]:
        """Store tasks in their order, all or none, in one transaction.

        Raises InvalidRequest, with the path of the field, ConnectorNotFound, ConnectorDisabled or LoggingOff, with
        nothing stored.
        """
        checked = [self._checked(place, task) for place, task in enumerate(tasks)]
        if not checked:
            return []
        key = request_key(self._creator, request_id, (task.digest() for task in checked))
        [receipt] = self._opened.store.append([LogEntry(tasks=checked, request=key)])
        if not isinstance(receipt, LogReceipt):
            raise receipt.error()
        return [
            LoggedTask(
                id=task.id,
                connector=task.connector,
                sequence=task.sequence,
                duplicate=receipt.duplicate,
                resume_token=ResumeToken(self._opened.store.store_id, {task.connector: task.position}),
            )
            for task in receipt.tasks
        ]

    def _checked(self, place: int, task: NewTask) -> CheckedTask:
        path, spec = f"tasks[{place}]", task_spec(task)
        return check_task_at(path, spec, registry=self._registry, limits=self._limits, creator=self._creator)
