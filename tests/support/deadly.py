"""A connector that kills its process."""

import os
import signal
from typing import Any

from integrationbus.connectors import IntegrationConnector, TaskDataType, TaskType
from support.people import TeamInfo

__all__ = ["DEADLY", "DeadlyConnector"]

DEADLY = "INTEGRATIONBUS_TEST_DEADLY"
"""The variable of the environment with which it does so."""


class DeadlyConnector(IntegrationConnector):
    """Makes teams, or ends the process in the middle of one, as a power cut would."""

    name = "deadly"
    object_classes = (TeamInfo,)

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> TeamInfo:
        if DEADLY in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return TeamInfo(name=obj["name"])
