"""What operators do with tasks, over any selection, in parts that are durable each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol, TypeVar

from integrationbus.server.actions import ActionReport, WantedAction
from integrationbus.server.errors import BusError, TaskFinal, TaskNotFound, TaskRunning
from integrationbus.server.processing.dispatcher import Dispatcher
from integrationbus.server.store import Store
from integrationbus.server.task import FINAL_STATES, TaskActionKind, TaskState
from integrationbus.server.task_queries import ActionPage, TaskQuery

__all__ = ["TaskActions"]

_T = TypeVar("_T")

_PART = 500


class _Reads(Protocol):
    """Calls what blocks away from the event loop."""

    async def __call__(self, function: Callable[[], _T]) -> _T: ...


class TaskActions:
    """Acts on tasks, and starts what has to run then.

    ``on_change`` is called with the ids of the connectors whose tasks were changed, on any thread.
    """

    def __init__(
        self, store: Store, dispatcher: Dispatcher, reads: _Reads, on_change: Callable[[Sequence[int]], None]
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._reads = reads
        self._on_change = on_change

    async def perform(self, wanted: WantedAction) -> ActionReport:
        """Act on the tasks of a selection in their order, part by part; what was done stays when this is cancelled.

        Raises TaskNotFound, TaskRunning, TaskFinal or EtagMismatch when a single task was named.
        """
        records = await self._reads(self._store.connectors)
        positions = {record.id: record.position for record in records}
        names = {record.id: record.name for record in records}
        affected = 0
        refused: dict[str, BusError] = {}
        touched: set[int] = set()
        for selection in _in_parts(_with_default_states(wanted)):
            missing = dict.fromkeys(selection.task_ids)
            after: tuple[int, int] | None = None
            while True:
                page = await self._part(wanted, selection, after)
                affected += len(page.affected)
                refused |= {task_id: _refusal(task_id, state) for task_id, state in page.refused.items()}
                for task_id in chain(page.affected, page.refused):
                    missing.pop(task_id, None)
                if page.next_after is None:
                    break
                after = page.next_after
                touched.add(after[0])
            refused |= {task_id: TaskNotFound(task_id) for task_id in missing}
        if len(wanted.selection.task_ids) == 1 and refused:
            raise next(iter(refused.values()))
        return ActionReport(
            affected=affected,
            not_affected=refused,
            positions={names[connector_id]: positions[connector_id] for connector_id in touched},
        )

    async def _part(self, wanted: WantedAction, selection: TaskQuery, after: tuple[int, int] | None) -> ActionPage:
        return await self._reads(lambda: self._act(wanted, selection, after))

    def _act(self, wanted: WantedAction, selection: TaskQuery, after: tuple[int, int] | None) -> ActionPage:
        with self._dispatcher.releasing(actor=wanted.actor, reason=wanted.reason):
            page = self._store.act_on(
                wanted.kind,
                selection,
                after=after,
                limit=_PART,
                etag=wanted.etag,
                actor=wanted.actor,
                reason=wanted.reason,
                rehearse=wanted.rehearse,
            )
        if page.next_after is None or not page.affected or wanted.rehearse:
            return page
        connector_id = page.next_after[0]
        self._on_change([connector_id])
        if wanted.kind is TaskActionKind.RETRY or page.called:
            self._dispatcher.tasks_called([connector_id], actor=wanted.actor, reason=wanted.reason)
        if wanted.kind is not TaskActionKind.RETRY:
            self._dispatcher.tasks_taken_out([connector_id])
        if page.released:
            self._dispatcher.connectors_released([connector_id], actor=wanted.actor, reason=wanted.reason)
        return page


def _with_default_states(wanted: WantedAction) -> TaskQuery:
    """A retry by filter means what did not come through, not what has not had its turn yet."""
    selection = wanted.selection
    if wanted.kind is not TaskActionKind.RETRY or selection.task_ids or selection.states:
        return selection
    states = (TaskState.RETRY_WAIT, TaskState.FAILED, TaskState.SKIPPED, TaskState.WAITING)
    return replace(selection, states=states)


def _in_parts(selection: TaskQuery) -> Sequence[TaskQuery]:
    """Databases limit the values in a statement."""
    ids = selection.task_ids
    if len(ids) <= _PART:
        return [selection]
    return [replace(selection, task_ids=ids[start : start + _PART]) for start in range(0, len(ids), _PART)]


def _refusal(task_id: str, state: TaskState) -> BusError:
    if state in FINAL_STATES:
        return TaskFinal(f"task {task_id} is {state.name}, which nothing changes any more")
    return TaskRunning(f"task {task_id} is being processed right now; ask again when it is settled")
