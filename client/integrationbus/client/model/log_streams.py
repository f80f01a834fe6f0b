"""Streams of tasks: how far one has come, and what was left out of it."""

from dataclasses import dataclass

from integrationbus.client.model.resume_token import ResumeToken
from integrationbus.client.model.tasks import TaskRefusal

__all__ = ["RejectedTask", "StreamProgress", "StreamedTasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedTask:
    """A task of a stream that was not stored, by its number, and why."""

    number: int
    refusal: TaskRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProgress:
    """How far a stream has come: every number up to ``settled_number`` is stored or was rejected.

    ``logged`` counts the tasks that were stored since the stream was opened here. ``rejected`` counts the rejections
    that were heard of, which may include some of an earlier producer.
    """

    settled_number: int
    logged: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedTasks:
    """What became of a stream; see StreamProgress for the numbers.

    ``resume_token`` is where the changes of the stored tasks begin; None when none was stored.
    """

    stream_id: str
    settled_number: int
    logged: int
    rejected: int
    resume_token: ResumeToken | None
