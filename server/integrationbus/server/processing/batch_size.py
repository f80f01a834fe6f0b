"""How many tasks to take at a time."""

__all__ = ["BatchSize"]

_LARGEST = 200
_SHORT_SECONDS = 0.25
_LONG_SECONDS = 1.0


class BatchSize:
    """Grows while batches are quick and shrinks when they are not.

    Large batches spread the cost of a commit; short ones keep a slow connector's progress visible, its stop prompt, and
    few tasks in doubt when the process dies. Others wait for a batch: with 500 tasks the rate was measured to be higher
    by a tenth, and the time until a task of another connector is done twice as long.
    """

    def __init__(self) -> None:
        self.size = 1

    def learn(self, tasks: int, seconds: float) -> None:
        """Take into account how long a batch took."""
        if seconds > _LONG_SECONDS:
            self.size = max(1, tasks // 2)
        elif seconds < _SHORT_SECONDS and tasks == self.size:
            self.size = min(_LARGEST, self.size * 2)
