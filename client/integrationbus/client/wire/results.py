"""What became of many tasks, added up call by call."""

from collections.abc import Sequence

from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import LoggedTask, LoggedTasks, LogProgress, TaskRefusal

__all__ = ["LogTally"]


class LogTally:
    """Adds up the results of ``log_tasks``."""

    def __init__(self) -> None:
        self._results: list[LoggedTask | TaskRefusal] = []
        self._logged = 0
        self._calls = 0
        self._token: ResumeToken | None = None

    def add(self, results: Sequence[LoggedTask | TaskRefusal]) -> None:
        """Add the results of one call."""
        self._calls += 1
        self._results += results
        for result in results:
            if isinstance(result, LoggedTask):
                self._logged += 1
                self._token = _earliest(self._token, result.resume_token)

    @property
    def progress(self) -> LogProgress:
        """How far it has come."""
        return LogProgress(logged=self._logged, refused=len(self._results) - self._logged, calls=self._calls)

    @property
    def result(self) -> LoggedTasks:
        """All of it."""
        return LoggedTasks(results=tuple(self._results), resume_token=self._token)


def _earliest(token: ResumeToken | None, other: ResumeToken) -> ResumeToken:
    """The point from which a watch sees what it would see from either."""
    if token is None or token is other:
        return other
    positions = dict(token.positions)
    for connector, position in other.positions.items():
        positions[connector] = min(position, positions.get(connector, position))
    return ResumeToken(token.store_id, positions)
