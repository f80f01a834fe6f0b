"""The enumerations that a connector meets. Numbers are those of ``integrationbus.v1``."""

from enum import IntEnum

__all__ = ["MissingKeyAction", "SnapshotHandling", "TaskDataType", "TaskType"]


class TaskType(IntEnum):
    """What to do with the target of a task."""

    CREATE_OBJECT = 1
    UPDATE_OBJECT = 2
    DELETE_OBJECT = 3
    ADD_TO_SITE = 4
    REMOVE_FROM_SITE = 5
    CREATE_DOCUMENT = 11
    UPDATE_DOCUMENT = 12
    DELETE_DOCUMENT = 13
    DELETE_ALL_CULTURES = 14
    MOVE_DOCUMENT = 15
    PUBLISH_DOCUMENT = 16
    ARCHIVE_DOCUMENT = 17
    REJECT_DOCUMENT = 18

    @property
    def is_for_pages(self) -> bool:
        """Whether the target is a page; otherwise it is an object."""
        return self >= TaskType.CREATE_DOCUMENT

    @property
    def is_deletion(self) -> bool:
        """Whether success leaves no target behind."""
        return self in (TaskType.DELETE_OBJECT, TaskType.DELETE_DOCUMENT, TaskType.DELETE_ALL_CULTURES)

    @property
    def is_about_a_site(self) -> bool:
        """Whether the task assigns an object to a site, or takes it off one."""
        return self in (TaskType.ADD_TO_SITE, TaskType.REMOVE_FROM_SITE)

    @property
    def writes_columns(self) -> bool:
        """Whether the columns that the connector set are written; otherwise they only say which object is meant."""
        return self in _WRITING


_WRITING = frozenset(
    {
        TaskType.CREATE_OBJECT,
        TaskType.UPDATE_OBJECT,
        TaskType.ADD_TO_SITE,
        TaskType.CREATE_DOCUMENT,
        TaskType.UPDATE_DOCUMENT,
    }
)


class TaskDataType(IntEnum):
    """How much travels with a task, and which foreign keys are translated."""

    SIMPLE = 1
    SIMPLE_SNAPSHOT = 2
    SNAPSHOT = 3

    @property
    def translates_keys(self) -> bool:
        """Whether foreign keys are external ids, which the server translates."""
        return self is not TaskDataType.SIMPLE

    @property
    def carries_parts(self) -> bool:
        """Whether children and bindings travel along."""
        return self is TaskDataType.SNAPSHOT


class SnapshotHandling(IntEnum):
    """What becomes of stored children, or bindings, that a snapshot does not mention."""

    COMPLETE = 1
    INCREMENTAL = 2


class MissingKeyAction(IntEnum):
    """What a task does when a required foreign key points at an object that does not exist yet."""

    FAIL = 1
    WAIT = 2
