"""Trying tasks out: the whole way of a task, with nothing written at its end."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from integrationbus.server.clock import Clock
from integrationbus.server.effects import Effects
from integrationbus.server.errors import ConnectorUnhealthy
from integrationbus.server.prepared import Application, PreparedTask, Target
from integrationbus.server.preview import Preview
from integrationbus.server.problems import TaskProblem
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.registry import ConnectorRegistry
from integrationbus.server.task import NewTask, task_of

__all__ = ["Previewer"]


class Previewer:
    """Previews tasks, one at a time on a thread of its own.

    It has its own instance of each connector, so that a preview neither waits for a run nor meets its state.
    """

    def __init__(self, *, effects: Effects, target: Target, registry: ConnectorRegistry, clock: Clock) -> None:
        self._effects = effects
        self._target = target
        self._registry = registry
        self._clock = clock
        self._preparers: dict[str, Preparer] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="preview")

    async def preview(self, task: NewTask) -> Preview:
        """What a task would do now. Raises ConnectorUnhealthy."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._preview, task)

    def stop(self) -> None:
        """Wait for the preview in hand, and end the thread."""
        self._thread.shutdown()

    def _preview(self, new: NewTask) -> Preview:
        preparer = self._preparer(new.connector)
        now = self._clock.now()
        preparer.forget_keys()
        try:
            prepared = preparer.prepare(task_of(new, now))
        except TaskProblem as problem:
            return Preview(problem=problem.to_error(now))
        return self._rehearse(self._registry.get(new.connector).id, prepared)

    def _rehearse(self, connector_id: int, prepared: PreparedTask) -> Preview:
        now = self._clock.now()
        with self._effects.rehearsal(connector_id) as transaction:
            names = set(prepared.names(connector_id))
            held = {name: dict(places) for name, places in transaction.held(names).items()}
            application = Application(handle=transaction.handle, connector_id=connector_id, cache={}, held=held)
            made = Preview(object_type=prepared.object_class.object_type, values=_written(prepared))
            try:
                made = replace(made, keys=tuple(self._target.find_keys(prepared, application)))
                rehearsal = self._target.rehearse(prepared, application)
            except TaskProblem as problem:
                return replace(made, problem=problem.to_error(now))
        return replace(made, result=rehearsal.result, before=rehearsal.before, after=rehearsal.after)

    def _preparer(self, name: str) -> Preparer:
        registered = self._registry.get(name)
        if registered.connector is None:
            raise ConnectorUnhealthy(f"{name} cannot run: {registered.problem}")
        if name not in self._preparers:
            self._preparers[name] = Preparer(type(registered.connector)(), self._registry, self._clock, previews=True)
        return self._preparers[name]


def _written(prepared: PreparedTask) -> dict[str, object]:
    """The columns that the task writes; a foreign key is None until it is translated."""
    if not prepared.task.task_type.writes_columns:
        return {}
    names: Sequence[str] = [key.attribute for key, _ in prepared.main.keys]
    return {**prepared.main.values, **dict.fromkeys(names)}
