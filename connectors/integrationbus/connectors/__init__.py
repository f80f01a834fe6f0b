"""The connector SDK: what one needs to write a connector and its internal classes."""

from integrationbus.connectors.attempt import Attempt
from integrationbus.connectors.connector import IntegrationConnector, RetryableError
from integrationbus.connectors.exact_decimal import ExactDecimal
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams, Reference
from integrationbus.connectors.models import BaseInfo, Dependency, TreeNode, TypeInfo, WorkflowStep, foreign_key
from integrationbus.connectors.notify import request_tasks_processing
from integrationbus.connectors.policies import (
    Accepts,
    Cron,
    Every,
    FailOnMissingKey,
    OnLog,
    OnNotify,
    RetryPolicy,
    WaitForMissingKey,
)
from integrationbus.connectors.snapshot import Part, Snapshot
from integrationbus.connectors.task_types import SnapshotHandling, TaskDataType, TaskType
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = [
    "Accepts",
    "Attempt",
    "BaseInfo",
    "Cron",
    "Dependency",
    "DocumentParams",
    "Every",
    "ExactDecimal",
    "ExternalId",
    "FailOnMissingKey",
    "IntegrationConnector",
    "ObjectParams",
    "OnLog",
    "OnNotify",
    "Part",
    "Reference",
    "RetryPolicy",
    "RetryableError",
    "Snapshot",
    "SnapshotHandling",
    "TaskDataType",
    "TaskType",
    "TreeNode",
    "TypeInfo",
    "UtcDateTime",
    "WaitForMissingKey",
    "WorkflowStep",
    "foreign_key",
    "request_tasks_processing",
]
