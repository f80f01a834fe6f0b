"""The enumerations that a connector meets. Numbers are those of ``integrationbus.v1``."""

from enum import IntEnum

__all__ = ["TaskDataType", "TaskType"]


class TaskType(IntEnum):
    """What to do with the target of a task."""

    CREATE_OBJECT = 1
    UPDATE_OBJECT = 2
    DELETE_OBJECT = 3
    CREATE_DOCUMENT = 11
    UPDATE_DOCUMENT = 12
    DELETE_DOCUMENT = 13

    @property
    def is_for_pages(self) -> bool:
        """Whether the target is a page; otherwise it is an object."""
        return self >= TaskType.CREATE_DOCUMENT

    @property
    def is_deletion(self) -> bool:
        """Whether success leaves no target behind."""
        return self in (TaskType.DELETE_OBJECT, TaskType.DELETE_DOCUMENT)


class TaskDataType(IntEnum):
    """How much travels with a task, and which foreign keys are translated."""

    SIMPLE = 1
    SIMPLE_SNAPSHOT = 2

    @property
    def translates_keys(self) -> bool:
        """Whether foreign keys are external ids, which the server translates."""
        return self is not TaskDataType.SIMPLE
