"""The connector that does what a file says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.declarative.cel_values import for_expressions
from integrationbus.connectors.declarative.expressions import ExpressionFailed, surroundings
from integrationbus.connectors.declarative.lookups import Lookup, document_params, object_params
from integrationbus.connectors.declarative.mapping import ObjectMapping
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams
from integrationbus.connectors.models import BaseInfo, TreeNode
from integrationbus.connectors.task_types import TaskDataType, TaskType

__all__ = ["DeclarativeConnector", "Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a file says about objects and their foreign keys; ``keys`` and ``page_keys`` are by object type."""

    mappings: Sequence[ObjectMapping]
    keys: Mapping[str, Lookup]
    page_keys: Mapping[str, Lookup]


class DeclarativeConnector(IntegrationConnector):
    """The base of the classes that are made of files; each sets ``rules`` and the attributes of every connector."""

    rules: ClassVar[Rules]

    def prepare_internal_object(
        self,
        obj: Any,  # noqa: ANN401 - what the caller sent
        task_type: TaskType,
        data_type: TaskDataType,
        site_name: str | None,
    ) -> BaseInfo | TreeNode:
        """Apply the first mapping that fits. Raises ExpressionFailed, also when none fits."""
        context = surroundings(
            {
                "object": for_expressions(obj),
                "task_type": task_type.name,
                "data_type": data_type.name,
                "site": site_name,
            }
        )
        for mapping in self.rules.mappings:
            if mapping.fits(context, task_type):
                return mapping.make(context, task_type)
        raise ExpressionFailed(f"no mapping of the connector fits this object and {task_type.name}")

    def get_internal_object_params(self, id: ExternalId, object_type: str) -> ObjectParams | None:  # noqa: A002
        """What ``keys`` says for the type, else None."""
        lookup = self.rules.keys.get(object_type)
        return None if lookup is None else object_params(lookup, id, object_type)

    def get_internal_document_params(self, id: ExternalId, class_name: str) -> DocumentParams | None:  # noqa: A002
        """What ``page_keys`` says for the class that holds the key, else None."""
        lookup = self.rules.page_keys.get(class_name)
        return None if lookup is None else document_params(lookup, id, class_name)
