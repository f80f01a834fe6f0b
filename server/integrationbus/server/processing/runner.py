"""One pass over the line of a connector: claim, prepare, apply, settle, until something ends it."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from integrationbus.connectors.policies import RetryPolicy
from integrationbus.server.claims import Claim, ClaimRequest, NewRun, Settled, Settlement, SettlingTransaction
from integrationbus.server.clock import Clock
from integrationbus.server.connector import Lease
from integrationbus.server.effects import Effects
from integrationbus.server.errors import LeaseLost
from integrationbus.server.failpoints import reach
from integrationbus.server.object_names import ObjectName
from integrationbus.server.policy import AfterFailure, Verdict, after_failure
from integrationbus.server.prepared import Application, Outcome, PreparedTask, Target, TranslationCache
from integrationbus.server.problems import BehindWaitingTask, KeyWaitExpired, MissingTarget, TaskProblem
from integrationbus.server.processing.batch_size import BatchSize
from integrationbus.server.processing.pause import Pause
from integrationbus.server.processing.prepare import Preparer
from integrationbus.server.run import RunState
from integrationbus.server.store import Store
from integrationbus.server.task import Task

__all__ = ["RunEnd", "Runner"]

_MAX_CLAIM_BYTES = 4 * 1024 * 1024
_PREPARE_SECONDS = 1.0

_STOPS_THE_RUN = (Verdict.HALT, Verdict.RETRY)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """A task that could not be prepared."""

    task: Task
    problem: TaskProblem


_Step = PreparedTask | _Failed
_Apply = Callable[[SettlingTransaction, Sequence[_Step], Application], list[Settlement]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What became of a claim: the place to go on from, if not all of it was finished, and whether tasks were called.

    ``waits`` says that some began to wait for keys, ``passes_by`` that some failed and stay in the line.
    """

    place: int | None
    called: bool
    waits: bool
    passes_by: bool

    @property
    def leaves_some(self) -> bool:
        """Whether there is more to do already."""
        return self.place is not None or self.called


class _Undone(Exception):
    """What was written in a savepoint was only to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended, and how far along the line it came; ``may_wait`` unless no task waits for a key.

    ``passes_by`` unless nothing is left behind that place in the line, for another run.
    """

    state: RunState
    place: int
    may_wait: bool = True
    passes_by: bool = True


class Runner:
    """Processes the tasks of one connector, always on the connector's own thread.

    ``on_commit`` is called after each commit with the number of tasks that it settled, and what follows from it.
    """

    def __init__(
        self,
        *,
        store: Store,
        effects: Effects,
        target: Target,
        preparer: Preparer,
        retry: RetryPolicy,
        keeps_translations: bool,
        clock: Clock,
        on_commit: Callable[[int, Settled], None],
    ) -> None:
        self._store = store
        self._effects = effects
        self._target = target
        self._preparer = preparer
        self._retry = retry
        self._keeps_translations = keeps_translations
        self._clock = clock
        self._on_commit = on_commit
        self._cache: TranslationCache = {}
        self._batch_size = BatchSize()
        self._known_run = ""
        self._logged = store.logged

    def take(self, connector: str, owner: str, run_id: str, *, crashed: bool) -> Lease:
        """See ``Effects.take``: what is settled thereby counts as settled here."""
        taken = self._effects.take(connector, owner, run_id, crashed=crashed)
        # Tasks of an earlier holder may be back in the line.
        self._on_commit(taken.settled, taken.follows)
        return taken.lease

    def run(self, lease: Lease, run: NewRun, after_sequence: int, pause: Pause) -> RunEnd:
        """Go on with a run from behind a place in the line, until it ends.

        Each task is met once; one that is to be retried, or that halted the connector, counts as not met. Tasks that
        are called out of turn come between. Raises LeaseLost, StoreUnavailable or OutcomeUnknown, with the batch in
        hand undone.
        """
        try:
            ended = self._pass(lease, run, after_sequence, pause)
        except BaseException:
            self._forget_keys()
            raise
        if not self._keeps_translations:
            self._forget_keys()
        return ended

    def _pass(self, lease: Lease, run: NewRun, place: int, pause: Pause) -> RunEnd:
        waits = passes_by = False
        while not pause.stopping:
            asked_at = self._clock.monotonic()
            claim = self._store.claim(lease, self._claim_request(run, place))
            pause.prove(asked_at)
            self._on_commit(0, Settled(events=claim.events))
            if claim.held is not None:
                return RunEnd(state=claim.held, place=place)
            waits |= claim.has_waiting
            passes_by |= claim.passes_by
            if claim.tasks:
                self._known_run = run.id
                done = self._process(lease, run, claim, pause)
                waits |= done.waits
                passes_by |= done.passes_by
                place = claim.after_sequence if done.place is None or claim.out_of_turn else done.place
                if claim.is_last and not done.leaves_some:
                    # Whoever logs more from now on asks for another look: an empty claim would find no more than that.
                    return RunEnd(state=RunState.COMPLETED, place=place, may_wait=waits, passes_by=passes_by)
            elif claim.wait_until is not None:
                place = claim.after_sequence
                pause.wait_until(claim.wait_until)
            elif claim.after_sequence == place:
                return RunEnd(state=RunState.COMPLETED, place=place, may_wait=waits, passes_by=passes_by)
            else:
                place = claim.after_sequence
        return RunEnd(state=RunState.STOPPED, place=place)

    def _claim_request(self, run: NewRun, place: int) -> ClaimRequest:
        return ClaimRequest(
            run=run,
            after_sequence=place,
            max_tasks=self._batch_size.size,
            max_bytes=_MAX_CLAIM_BYTES,
            run_is_known=run.id == self._known_run,
        )

    def _process(self, lease: Lease, run: NewRun, claim: Claim, pause: Pause) -> _Done:
        tasks = claim.tasks
        started = self._clock.monotonic()
        if not pause.trusted:
            # The process was held up for long: what the connector does outside of the database must not happen twice.
            raise LeaseLost(f"connector {lease.connector}: its lease may be over")
        if not self._keeps_translations:
            # The connector is asked once a run, but another connector may delete what was found a moment ago.
            self._cache.clear()
        steps = self._prepare(tasks, pause)
        kept = bool(self._cache)
        try:
            settled, follows = self._settle(lease, run, claim, steps, self._apply_at_once)
        except TaskProblem as problem:
            # All of the transaction is undone by then: a savepoint would be two statements more in every batch.
            self._forget_translations()
            # What was kept from an earlier run may be gone: then a look-up says so.
            if len(steps) == 1 and not kept:
                steps = [_Failed(task=steps[0].task, problem=problem)]
            settled, follows = self._settle(lease, run, claim, steps, self._apply_one_by_one)
        logged = self._store.logged
        self._batch_size.learn(len(settled), self._clock.monotonic() - started, logged=logged - self._logged)
        self._logged = logged
        reach("settle.before_wake_up")
        self._on_commit(len(settled), follows)
        return _Done(
            place=_place_after(settled[-1], whole=len(settled) == len(tasks)),
            called=lease.connector_id in follows.called or any(item.at_once for item in settled),
            waits=any(item.waiting for item in settled),
            passes_by=any(item.after and item.after.verdict.stays_in_line for item in settled),
        )

    def _settle(
        self, lease: Lease, run: NewRun, claim: Claim, steps: Sequence[_Step], apply: _Apply
    ) -> tuple[list[Settlement], Settled]:
        """Write what was prepared, and settle the claim; returns how the tasks ended that were finished.

        Raises a TaskProblem of ``apply``, with nothing written.
        """
        with self._effects.settling(lease, run.id) as transaction:
            application = self._application(lease, transaction, steps, look_for_held=claim.has_waiting)
            settled = apply(transaction, steps, application)
            transaction.keep(settled, partial(self._names, application))
            settled = self._look_again(transaction, steps, settled, application)
            released = [Settlement(task=task) for task in claim.tasks[len(settled) :]]
            appeared = self._appeared(transaction, settled, application)
            follows = transaction.settle([*settled, *released], appeared)
        return settled, follows

    def _prepare(self, tasks: Sequence[Task], pause: Pause) -> list[_Step]:
        """Prepare tasks in order until one stops the run, the time is up, or the run is to end; at least one."""
        deadline = self._clock.monotonic() + _PREPARE_SECONDS
        steps: list[_Step] = []
        for task in tasks:
            if steps and (pause.stopping or not pause.trusted or self._clock.monotonic() > deadline):
                break
            try:
                steps.append(self._preparer.prepare(task))
            except TaskProblem as problem:
                steps.append(_Failed(task=task, problem=problem))
                if self._after(task, problem).verdict in _STOPS_THE_RUN:
                    break
        return steps

    def _application(
        self, lease: Lease, transaction: SettlingTransaction, steps: Sequence[_Step], *, look_for_held: bool
    ) -> Application:
        held: dict[ObjectName, dict[int, str]] = {}
        if look_for_held:
            names = {name for step in _prepared(steps) for name in step.names(lease.connector_id)}
            held = {name: dict(places) for name, places in transaction.held(names).items()}
        return Application(handle=transaction.handle, connector_id=lease.connector_id, cache=self._cache, held=held)

    def _apply_at_once(
        self, transaction: SettlingTransaction, steps: Sequence[_Step], application: Application
    ) -> list[Settlement]:
        """Write all at once. Raises a TaskProblem, with something written perhaps."""
        outcomes = iter(self._target.apply(_prepared(steps), application))
        return [
            self._settlement(step, next(outcomes), application)
            if isinstance(step, PreparedTask)
            else self._failure(step.task, step.problem)
            for step in steps
        ]

    def _apply_one_by_one(
        self, transaction: SettlingTransaction, steps: Sequence[_Step], application: Application
    ) -> list[Settlement]:
        """Write each by itself, so that a problem is charged to its task alone."""
        settled: list[Settlement] = []
        for step in steps:
            settlement = self._apply_one(transaction, step, application)
            settled.append(settlement)
            if settlement.after and settlement.after.verdict in _STOPS_THE_RUN:
                break
        return settled

    def _apply_one(self, transaction: SettlingTransaction, step: _Step, application: Application) -> Settlement:
        if isinstance(step, _Failed):
            return self._failure(step.task, step.problem)
        attempt = application.attempt()
        try:
            with transaction.savepoint():
                [outcome] = self._target.apply([step], attempt)
        except TaskProblem as problem:
            self._forget_translations()
            return self._failure(step.task, problem)
        application.keep(attempt)
        return self._settlement(step, outcome, application)

    def _look_again(
        self,
        transaction: SettlingTransaction,
        steps: Sequence[_Step],
        settled: Sequence[Settlement],
        application: Application,
    ) -> list[Settlement]:
        """Look whether what is about to wait still has to, now that nobody can make an object unseen.

        What no longer has to wait goes back to the line and is called at once: nothing is written here, while others
        are kept from writing.
        """
        waiting = [step for step, item in zip(steps, settled, strict=False) if item.waiting]
        if not waiting or not transaction.before_waiting():
            return list(settled)
        again = self._rehearsed(transaction, _prepared(waiting), application.connector_id)
        return [
            Settlement(task=item.task, at_once=True) if item.waiting and item.task.id not in again else item
            for item in settled
        ]

    def _rehearsed(
        self, transaction: SettlingTransaction, batch: Sequence[PreparedTask], connector_id: int
    ) -> set[str]:
        """The ids of the tasks that would wait now."""
        attempt = Application(handle=transaction.handle, connector_id=connector_id, cache={}, look_only=True)
        names = {name for step in batch for name in step.names(connector_id)}
        attempt.held = {name: dict(places) for name, places in transaction.held(names).items()}
        outcomes: Sequence[Outcome] = ()
        with suppress(_Undone, TaskProblem), transaction.savepoint():
            outcomes = self._target.apply(batch, attempt)
            raise _Undone
        self._cache.clear()
        return {
            step.task.id for step, outcome in zip(batch, outcomes, strict=False) if isinstance(outcome, MissingTarget)
        }

    def _appeared(
        self, transaction: SettlingTransaction, settled: Sequence[Settlement], application: Application
    ) -> Collection[ObjectName]:
        """The names of what was written, if that is of interest to anybody."""
        if not (transaction.anybody_waits() or any(item.waiting for item in settled)):
            return ()
        return self._names(application)

    def _names(self, application: Application) -> Collection[ObjectName]:
        """The names of what was written; it is looked at once."""
        for step in application.done:
            application.appeared.update(step.names(application.connector_id))
        application.done.clear()
        if application.written:
            application.appeared.update(self._target.names_of_written(application))
            application.written.clear()
        return application.appeared

    def _settlement(self, step: PreparedTask, outcome: Outcome, application: Application) -> Settlement:
        if not isinstance(outcome, MissingTarget):
            return Settlement(task=step.task, result=outcome)
        return Settlement(
            task=step.task,
            waiting=outcome,
            names=list(step.names(application.connector_id)),
            wait_limit=step.wait_limit,
        )

    def _failure(self, task: Task, problem: TaskProblem) -> Settlement:
        overdue = task.wait_deadline is not None and task.wait_deadline <= self._clock.now()
        if overdue and isinstance(problem, MissingTarget) and not isinstance(problem, BehindWaitingTask):
            text = f"waited until {task.wait_deadline:%Y-%m-%d %H:%M:%S} UTC in vain: {problem}"
            problem = KeyWaitExpired(text, problem.missing, field_paths=problem.field_paths)
        return Settlement(task=task, problem=problem, after=self._after(task, problem))

    def _after(self, task: Task, problem: TaskProblem) -> AfterFailure:
        return after_failure(task, retryable=problem.retryable, policy=self._retry, now=self._clock.now())

    def _forget_translations(self) -> None:
        """Drop what was translated: after a failure it may speak of rows that were undone.

        A connector that keeps translations is asked anew as well, for what it said may be what was wrong.
        """
        self._cache.clear()
        if self._keeps_translations:
            self._preparer.forget_keys()

    def _forget_keys(self) -> None:
        """Drop what was translated, and ask the connector anew."""
        self._cache.clear()
        self._preparer.forget_keys()


def _place_after(last: Settlement, *, whole: bool) -> int | None:
    """The place to go on from behind what was settled; None when that is the whole claim."""
    if last.after and last.after.verdict in _STOPS_THE_RUN:
        return last.task.sequence - 1
    return None if whole else last.task.sequence


def _prepared(steps: Sequence[_Step]) -> list[PreparedTask]:
    return [step for step in steps if isinstance(step, PreparedTask)]
