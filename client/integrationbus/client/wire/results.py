"""What became of many tasks, added up call by call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from integrationbus.client.model.errors import BusError
from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import LoggedTask, LoggedTasks, LogProgress, TaskRefusal

__all__ = ["LogTally", "earliest_token"]


class LogTally:
    """Adds up the results of ``log_tasks``, and reports after each call how far it has come."""

    def __init__(self, progress: Callable[[LogProgress], object] | None) -> None:
        self._progress = progress
        self._results: list[LoggedTask | TaskRefusal] = []
        self._logged = 0
        self._calls = 0
        self._token: ResumeToken | None = None

    def add(self, results: list[LoggedTask | TaskRefusal]) -> None:
        """Add the results of one call."""
        logged = [result for result in results if isinstance(result, LoggedTask)]
        self._results += results
        self._logged += len(logged)
        self._calls += 1
        if logged:
            # All of one call have the same token.
            self._token = earliest_token(self._token, logged[0].resume_token)
        if self._progress is not None:
            refused = len(self._results) - self._logged
            self._progress(LogProgress(logged=self._logged, refused=refused, calls=self._calls))

    @property
    def result(self) -> LoggedTasks:
        """All of it."""
        return LoggedTasks(results=tuple(self._results), resume_token=self._token)

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Let whatever fails, be it a call or the caller's own iterable, say how much was stored before it."""
        try:
            yield
        except Exception as error:
            where = (
                f"; tasks[0] of this call is task {len(self._results)} of all" if isinstance(error, BusError) else ""
            )
            error.add_note(f"{self._logged} tasks were stored before{where}")
            raise


def earliest_token(token: ResumeToken | None, other: ResumeToken) -> ResumeToken:
    """The point from which a watch sees all that it would see from either."""
    if token is None:
        return other
    positions = {
        connector: min(each.positions[connector] for each in (token, other) if connector in each.positions)
        for connector in {**token.positions, **other.positions}
    }
    return ResumeToken(token.store_id, positions)
