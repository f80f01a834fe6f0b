"""One pass over the line of a connector: claim, prepare, apply, settle, until something ends it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from integrationbus.connectors.policies import RetryPolicy
from integrationbus.server.clock import Clock
from integrationbus.server.connector import Lease
from integrationbus.server.policy import AfterFailure, Verdict, after_failure
from integrationbus.server.prepared import PreparedTask, Target, TranslationCache
from integrationbus.server.problems import TaskProblem
from integrationbus.server.processing.batch_size import BatchSize
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.run import RunState
from integrationbus.server.store import ClaimRequest, NewRun, Settlement, SettlingTransaction, Store
from integrationbus.server.task import Task

__all__ = ["Pause", "Runner"]

_MAX_CLAIM_BYTES = 4 * 1024 * 1024
_PREPARE_SECONDS = 1.0

_STOPS_THE_RUN = (Verdict.HALT, Verdict.RETRY)


class Pause(Protocol):
    """How a runner waits, and learns that it is to end."""

    @property
    def stopping(self) -> bool:
        """Whether the run is to end after the batch in hand."""
        ...

    def wait_until(self, moment: datetime) -> None:
        """Return when the moment has come, or earlier when something changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """A task that could not be prepared."""

    task: Task
    problem: TaskProblem


_Step = PreparedTask | _Failed


class Runner:
    """Processes the tasks of one connector, always on the connector's own thread.

    ``on_commit`` is called after each commit with the number of tasks that it settled.
    """

    def __init__(
        self,
        *,
        store: Store,
        target: Target,
        preparer: Preparer,
        retry: RetryPolicy,
        keeps_translations: bool,
        clock: Clock,
        on_commit: Callable[[int], None],
    ) -> None:
        self._store = store
        self._target = target
        self._preparer = preparer
        self._retry = retry
        self._keeps_translations = keeps_translations
        self._clock = clock
        self._on_commit = on_commit
        self._cache: TranslationCache = {}
        self._batch_size = BatchSize()

    def run(self, lease: Lease, run: NewRun, after_sequence: int, pause: Pause) -> tuple[RunState, int]:
        """Go on with a run from behind a place in the line, until it ends.

        Returns how it ended and how far it came. Each task is met once; one that is to be retried, or that halted the
        connector, counts as not met. Raises LeaseLost, StoreUnavailable or OutcomeUnknown, with the batch in hand
        undone.
        """
        try:
            ended = self._pass(lease, run, after_sequence, pause)
        except BaseException:
            self._forget_keys()
            raise
        if not self._keeps_translations:
            self._forget_keys()
        return ended

    def _pass(self, lease: Lease, run: NewRun, place: int, pause: Pause) -> tuple[RunState, int]:
        while not pause.stopping:
            claim = self._store.claim(lease, self._claim_request(run, place))
            if claim.held is not None:
                return claim.held, place
            if claim.tasks:
                self._on_commit(0)
                unfinished = self._process(lease, run, claim.tasks, pause)
                place = claim.after_sequence if unfinished is None else unfinished
            elif claim.wait_until is not None:
                place = claim.after_sequence
                pause.wait_until(claim.wait_until)
            elif claim.after_sequence == place:
                return RunState.COMPLETED, place
            else:
                place = claim.after_sequence
        return RunState.STOPPED, place

    def _claim_request(self, run: NewRun, place: int) -> ClaimRequest:
        return ClaimRequest(run=run, after_sequence=place, max_tasks=self._batch_size.size, max_bytes=_MAX_CLAIM_BYTES)

    def _process(self, lease: Lease, run: NewRun, tasks: Sequence[Task], pause: Pause) -> int | None:
        """Process a claim; returns the place to go on from when not all of it was finished."""
        started = self._clock.monotonic()
        if not self._keeps_translations:
            # The connector is asked once a run, but another connector may delete what was found a moment ago.
            self._cache.clear()
        steps = self._prepare(tasks, pause)
        with self._store.settling(lease, run.id) as transaction:
            settled = self._apply(lease, transaction, steps)
            released = [Settlement(task=task) for task in tasks[len(settled) :]]
            transaction.settle([*settled, *released])
        self._batch_size.learn(len(settled), self._clock.monotonic() - started)
        self._on_commit(len(settled))
        last = settled[-1]
        if last.after and last.after.verdict in _STOPS_THE_RUN:
            return last.task.sequence - 1
        return last.task.sequence if released else None

    def _prepare(self, tasks: Sequence[Task], pause: Pause) -> list[_Step]:
        """Prepare tasks in order until one stops the run, the time is up, or the run is to end; at least one."""
        deadline = self._clock.monotonic() + _PREPARE_SECONDS
        steps: list[_Step] = []
        for task in tasks:
            if steps and (pause.stopping or self._clock.monotonic() > deadline):
                break
            try:
                steps.append(self._preparer.prepare(task))
            except TaskProblem as problem:
                steps.append(_Failed(task=task, problem=problem))
                if self._after(task, problem).verdict in _STOPS_THE_RUN:
                    break
        return steps

    def _apply(self, lease: Lease, transaction: SettlingTransaction, steps: Sequence[_Step]) -> list[Settlement]:
        """Write all at once; when that fails, one by one, so that the problem is charged to its task alone."""
        prepared = [step for step in steps if isinstance(step, PreparedTask)]
        try:
            with transaction.savepoint():
                results = iter(self._target.apply(transaction.handle, lease.connector_id, prepared, self._cache))
        except TaskProblem as problem:
            self._forget_keys()
            if len(steps) == 1:
                return [self._failure(prepared[0].task, problem)]
            return self._apply_one_by_one(lease, transaction, steps)
        return [
            Settlement(task=step.task, result=next(results))
            if isinstance(step, PreparedTask)
            else self._failure(step.task, step.problem)
            for step in steps
        ]

    def _apply_one_by_one(
        self, lease: Lease, transaction: SettlingTransaction, steps: Sequence[_Step]
    ) -> list[Settlement]:
        settled: list[Settlement] = []
        for step in steps:
            settlement = self._apply_one(lease, transaction, step)
            settled.append(settlement)
            if settlement.after and settlement.after.verdict in _STOPS_THE_RUN:
                break
        return settled

    def _apply_one(self, lease: Lease, transaction: SettlingTransaction, step: _Step) -> Settlement:
        if isinstance(step, _Failed):
            return self._failure(step.task, step.problem)
        try:
            with transaction.savepoint():
                [result] = self._target.apply(transaction.handle, lease.connector_id, [step], self._cache)
        except TaskProblem as problem:
            self._forget_keys()
            return self._failure(step.task, problem)
        return Settlement(task=step.task, result=result)

    def _failure(self, task: Task, problem: TaskProblem) -> Settlement:
        return Settlement(task=task, problem=problem, after=self._after(task, problem))

    def _after(self, task: Task, problem: TaskProblem) -> AfterFailure:
        return after_failure(task, retryable=problem.retryable, policy=self._retry, now=self._clock.now())

    def _forget_keys(self) -> None:
        """Drop what was translated: after a failure it may speak of rows that were undone."""
        self._cache.clear()
        self._preparer.forget_keys()
