"""A bus without its network: the real store, target and worker threads, driven step by step."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, TypeVar, cast

from integrationbus.server.actions import ActionReport, WantedAction
from integrationbus.server.claims import Settled
from integrationbus.server.clock import Clock
from integrationbus.server.errors import ServerDraining
from integrationbus.server.feed.logged import events_of_logged
from integrationbus.server.ids import new_id
from integrationbus.server.loading import load_connectors
from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.object_view import ByCodeName
from integrationbus.server.payloads.values import write_record
from integrationbus.server.processing.dispatcher import Dispatcher
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.processing.runner import Runner
from integrationbus.server.processing.task_actions import TaskActions
from integrationbus.server.processing.worker import ConnectorWorker
from integrationbus.server.registry import RegisteredConnector
from integrationbus.server.replicas.homes import Homes
from integrationbus.server.replicas.lookout import Tidings
from integrationbus.server.replicas.trust import Trust
from integrationbus.server.run import Run, RunState
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target.reader import ObjectReader
from integrationbus.server.target.sql_target import SqlTarget
from integrationbus.server.target_database import open_target
from integrationbus.server.task import (
    MissingKeyAction,
    NewTask,
    Payload,
    PayloadForm,
    ProcessType,
    Task,
    TaskActionKind,
    TaskDataType,
    TaskState,
    TaskType,
)
from integrationbus.server.task_events import TaskEvent
from integrationbus.server.task_queries import TaskQuery
from support.people import PeopleConnector

__all__ = ["Workbench", "new_task"]

_T = TypeVar("_T")


def new_task(
    fields: Mapping[str, object],
    *,
    connector: str = "people",
    task_type: TaskType = TaskType.CREATE_OBJECT,
    data_type: TaskDataType = TaskDataType.SIMPLE_SNAPSHOT,
    process_type: ProcessType = ProcessType.DEFAULT,
    external_id: str = "",
    site: str = "",
    missing_key: MissingKeyAction | None = None,
    wait_limit: timedelta | None = None,
) -> NewTask:
    """A task with a record."""
    return NewTask(
        id=new_id(),
        connector=connector,
        task_type=task_type,
        data_type=data_type,
        process_type=process_type,
        external_id=external_id,
        site=site,
        creator="tests",
        missing_key=missing_key,
        wait_limit=wait_limit,
        payload=Payload(form=PayloadForm.RECORD, data=write_record(fields).SerializeToString(deterministic=True)),
    )


async def _directly(function: Callable[[], _T]) -> _T:
    return function()


class Workbench:
    """Logs tasks and processes them when told to."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        class_paths: Sequence[str] = ("support.people:PeopleConnector",),
        *,
        target_url: str = "",
        owner: str = "bench",
        homes: Homes | None = None,
        trust: Trust | None = None,
        handover: timedelta = timedelta(),
    ) -> None:
        self._opened = open_store(url, clock)
        self.store = self._opened.store
        self.database = self._opened.database
        self.target = open_target(self._opened, target_url)
        self.registry = load_connectors(self._opened, class_paths, use_entry_points=False, target=self.target.database)
        self.objects = ObjectReader(self.target.database, self.registry)
        self._changed = threading.Condition()
        self.told: list[TaskEvent] = []
        """The events that watchers would be told of without reading them."""
        target = SqlTarget(self.registry.classes)
        self.workers = {}
        for item in self.registry.connectors:
            if item.connector is None:
                continue
            runner = Runner(
                store=self.store,
                effects=self.target.effects,
                target=target,
                preparer=Preparer(item.connector, self.registry, clock),
                retry=item.connector.retry,
                keeps_translations=not item.connector.clear_translations_after_processing,
                clock=clock,
                on_commit=partial(self._committed, item),
            )
            self.workers[item.name] = ConnectorWorker(
                item,
                runner=runner,
                store=self.store,
                owner=owner,
                clock=clock,
                on_change=self._notify,
                on_interrupted=self._look_for_called,
                trust=trust,
            )
        self.dispatcher = Dispatcher(
            store=self.store,
            registry=self.registry,
            workers=self.workers.values(),
            homes=homes,
            clock=clock,
            handover=handover,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.dispatcher.stop()
        self.target.close()
        self._opened.close()

    @property
    def people(self) -> PeopleConnector:
        """The connector under test."""
        return cast(PeopleConnector, self.registry.get("people").connector)

    def log(self, *tasks: NewTask) -> list[str]:
        """Store tasks without waking anybody; returns their ids."""
        entry = LogEntry(tasks=tasks)
        [receipt] = self.store.append([entry])
        assert isinstance(receipt, LogReceipt)
        self.told += events_of_logged([(entry, receipt)], {item.name: item.id for item in self.registry.connectors})
        return [task.id for task in tasks]

    def process(self, connector: str = "people", *, clear_halt: bool = False) -> Run:
        """Ask for a run, and wait for its end."""
        [ticket] = self.dispatcher.request_runs([connector], clear_halt=clear_halt, actor="tests", reason="")
        assert ticket.run, ticket.message
        return self.wait_for(ticket.run.id)

    def tidings(self) -> Tidings:
        """What a look at the database finds, without what is new."""
        news = self.store.news()
        return Tidings(
            changed=(),
            logged=(),
            called=news.called,
            requested=news.requested,
            cancelled=news.cancelled,
            held=news.held,
            halted=news.halted,
        )

    def rest(self, connector: str = "people") -> None:
        """Wait until the connector rests, with the end of its run on record, and give it back."""
        while not self.dispatcher.give_back({connector}):
            pass

    def wait_for(self, run_id: str) -> Run:
        """Wait until a run has ended."""
        with self._changed:
            while (run := self.store.run(run_id)).state is RunState.RUNNING:
                self._changed.wait(timeout=10)
        return run

    def wait_until(self, look: Callable[[], _T], fits: Callable[[_T], bool]) -> _T:
        """Wait until what one sees fits; look again after every commit of a run."""
        with self._changed:
            while not fits(seen := look()):
                assert self._changed.wait(timeout=10), f"still {seen}"
        return seen

    def task(self, task_id: str) -> Task:
        """A task as it is now."""
        return self.store.task(task_id, with_payload=False)

    def states(self, task_ids: Sequence[str]) -> list[str]:
        """The names of the states of tasks."""
        return [self.task(task_id).state.name for task_id in task_ids]

    def settled(self, task_id: str) -> Task:
        """A task, once it is neither in the line nor in hand."""
        open_states = (TaskState.PENDING, TaskState.RUNNING, TaskState.RETRY_WAIT)
        return self.wait_until(lambda: self.task(task_id), lambda task: task.state not in open_states)

    def act(self, kind: TaskActionKind, *task_ids: str, reason: str = "") -> ActionReport:
        """Act on tasks as an operator does."""
        return self.act_on(kind, TaskQuery(task_ids=task_ids), reason=reason)

    def act_on(
        self, kind: TaskActionKind, selection: TaskQuery, *, reason: str = "", etag: str = "", rehearse: bool = False
    ) -> ActionReport:
        """Act on a selection of tasks as an operator does."""
        wanted = WantedAction(
            kind=kind, selection=selection, etag=etag, actor="operator", reason=reason, rehearse=rehearse
        )
        return asyncio.run(TaskActions(self.store, self.dispatcher, _directly, lambda _: None).perform(wanted))

    def all_tasks(self) -> Sequence[Task]:
        """Every task."""
        page = self.store.tasks(TaskQuery(), after=None, limit=1000, with_payload=False, newest_first=False)
        return page.tasks

    def fields_of(self, object_type: str, code_name: str) -> Mapping[str, object]:
        """The columns of an object."""
        return self.objects.get(object_type, ByCodeName(code_name)).fields

    def names(self, object_type: str) -> list[str]:
        """The code names of all objects of a type, by id."""
        return [view.code_name for view in self.objects.list(object_type, after_id=0, limit=1000)]

    def _look_for_called(self) -> None:
        self.dispatcher.look_for_called()

    def _committed(self, own: RegisteredConnector, _: int, settled: Settled) -> None:
        self.told += settled.events()
        with suppress(ServerDraining):
            self.dispatcher.tasks_called([each for each in settled.called if each != own.id])
            if settled.released:
                self.dispatcher.line_released([own.name], actor="", reason="")
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
