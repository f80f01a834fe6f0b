"""How many tasks to take at a time."""

__all__ = ["BatchSize"]

_LARGEST = 500
_LARGEST_OF_MANY = 80
_SHORT_SECONDS = 0.25
_LONG_SECONDS = 1.0


class BatchSize:
    """Grows while batches are quick and shrinks when they are not.

    Large batches spread the cost of a commit; short ones keep a slow connector's progress visible, its stop prompt, and
    few tasks in doubt when the process dies.

    Whoever logs waits for a batch, and so does the connector that the tasks are for: batches are smaller while anybody
    does. Measured from 200 tasks: with 500 the rate is higher by 1.15 on SQLite and by 1.3 on PostgreSQL; with 100 it
    is 0.8 of it, and what is logged beside is done in half of the time.
    """

    def __init__(self) -> None:
        self.size = 1

    def learn(self, tasks: int, seconds: float, *, others_logged: bool) -> None:
        """Take into account how long a batch took, and whether anything was logged meanwhile."""
        if seconds > _LONG_SECONDS:
            self.size = max(1, tasks // 2)
        elif seconds < _SHORT_SECONDS and tasks == self.size:
            self.size = min(_LARGEST, self.size * 2)
        if others_logged:
            self.size = min(_LARGEST_OF_MANY, self.size)
