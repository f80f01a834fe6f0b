"""What both kinds of streams of tasks say about themselves."""

from integrationbus.client.model.log_streams import StreamedTasks
from integrationbus.client.wire.log_streaming import LogStreamState

__all__ = ["StreamFigures"]


class StreamFigures:
    """The numbers of a stream of tasks."""

    def __init__(self, state: LogStreamState) -> None:
        self._state = state

    @property
    def next_number(self) -> int:
        """The number that the next task gets; when the stream was just opened, where its producer has to go on."""
        return self._state.next_number

    @property
    def settled_number(self) -> int:
        """Every task up to this number is stored or was rejected."""
        return self._state.settled_number

    @property
    def logged(self) -> int:
        """How many tasks were stored since the stream was opened here."""
        return self._state.logged

    @property
    def rejected(self) -> int:
        """How many rejections were heard of; some of them may be those of an earlier producer."""
        return self._state.rejected

    @property
    def result(self) -> StreamedTasks:
        """What became of the stream so far."""
        return self._state.result
