"""The connector SDK: what one needs to write a connector and its internal classes."""

from integrationbus.connectors.connector import IntegrationConnector, RetryableError
from integrationbus.connectors.exact_decimal import ExactDecimal
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams, Reference
from integrationbus.connectors.models import BaseInfo, Dependency, TreeNode, TypeInfo, foreign_key
from integrationbus.connectors.notify import request_tasks_processing
from integrationbus.connectors.policies import Accepts, Cron, Every, OnLog, OnNotify, RetryPolicy
from integrationbus.connectors.task_types import TaskDataType, TaskType
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = [
    "Accepts",
    "BaseInfo",
    "Cron",
    "Dependency",
    "DocumentParams",
    "Every",
    "ExactDecimal",
    "ExternalId",
    "IntegrationConnector",
    "ObjectParams",
    "OnLog",
    "OnNotify",
    "Reference",
    "RetryPolicy",
    "RetryableError",
    "TaskDataType",
    "TaskType",
    "TreeNode",
    "TypeInfo",
    "UtcDateTime",
    "foreign_key",
    "request_tasks_processing",
]
