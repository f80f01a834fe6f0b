"""Changes that were just recorded, as watchers are told of them: what the table of events says, without reading it."""

from collections.abc import Sequence

from integrationbus.server.clock import from_micros
from integrationbus.server.storage.journal import Change, ChangeNote
from integrationbus.server.storage.rows import error_from_text, result_from_columns
from integrationbus.server.task_events import TaskEvent, watched

__all__ = ["events_of"]


def events_of(note: ChangeNote) -> Sequence[TaskEvent]:
    """Everything that was recorded under a note, in the order of recording; see ``event_from_row``."""
    return [
        _event(change, recorded.connector_id, recorded.first_position + index, note)
        for recorded in note.recorded
        for index, change in enumerate(recorded.changes)
    ]


def _event(change: Change, connector_id: int, position: int, note: ChangeNote) -> TaskEvent:
    task, columns = change.task, change.columns
    return TaskEvent(
        connector_id=connector_id,
        position=position,
        sequence=task.sequence,
        task=watched(task),
        state=change.state,
        previous_state=change.previous,
        attempt=change.attempt,
        error=error_from_text(columns.get("error")),
        result=result_from_columns(
            columns.get("effect"),
            columns.get("result_type", ""),
            columns.get("object_id", 0),
            columns.get("notes"),
            columns.get("touched"),
        ),
        run_id=note.run_id,
        occurred_at=from_micros(note.occurred_at),
        actor=note.actor,
        reason=note.reason,
    )
