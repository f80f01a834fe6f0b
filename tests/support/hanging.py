"""A connector that hangs until it is let go."""

import threading
from typing import Any

from integrationbus.connectors import TaskDataType, TaskType
from support.people import PeopleConnector

__all__ = ["HangingConnector"]


class HangingConnector(PeopleConnector):
    """Says when it is reached, and goes on when it is told to."""

    name = "hanging"

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        self.reached.set()
        self.let_go.wait()
        return super().prepare_internal_object(obj, task_type, data_type, site_name)
