"""The class that users write: it turns external objects into internal ones."""

from typing import Any, ClassVar

from integrationbus.connectors.attempt import Attempt
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams
from integrationbus.connectors.models import BaseInfo, TreeNode
from integrationbus.connectors.policies import (
    Accepts,
    FailOnMissingKey,
    MissingKeyPolicy,
    OnLog,
    RetryPolicy,
    Trigger,
)
from integrationbus.connectors.snapshot import Snapshot
from integrationbus.connectors.task_types import TaskDataType, TaskType

__all__ = ["IntegrationConnector", "RetryableError"]


class RetryableError(Exception):
    """Raise it from a connector when the same attempt may succeed later: the retry policy applies."""


class IntegrationConnector:
    """Turns the external objects of one system into internal objects and pages.

    The server makes one instance and calls it from one thread at a time, the connector's own. Methods may block; they
    run outside any transaction, so they must not write to the bus's database. Whatever a method raises fails the task
    in hand, and its process type decides what follows.

    The method names follow the integration connectors of Kentico Xperience.
    """

    name: ClassVar[str]
    """What tasks call the connector: 1 to 100 of ``a-z 0-9 . _ -``, starting with a letter or a digit."""
    display_name: ClassVar[str] = ""
    """What people see; default: the name."""
    object_classes: ClassVar[tuple[type[BaseInfo | TreeNode], ...]] = ()
    """The internal classes that it makes. Their tables are created when they are missing."""
    accepts: ClassVar[Accepts] = Accepts()
    trigger: ClassVar[Trigger] = OnLog()
    retry: ClassVar[RetryPolicy] = RetryPolicy()
    missing_key: ClassVar[MissingKeyPolicy] = FailOnMissingKey()
    clear_translations_after_processing: ClassVar[bool] = True
    """Whether translated keys are forgotten after each run; otherwise they are kept until a task fails."""
    current_attempt: Attempt = Attempt()
    """The attempt at a task that the methods are called for. The server sets it before each; it is empty elsewhere."""

    def prepare_internal_object(
        self,
        obj: Any,  # noqa: ANN401 - a mapping, a protobuf message, parsed JSON or bytes: what the caller sent
        task_type: TaskType,
        data_type: TaskDataType,
        site_name: str | None,
    ) -> BaseInfo | TreeNode | Snapshot:
        """Turn what the caller sent into an internal object or page; called once for each attempt at a task.

        ``obj`` is a mapping for a record, the parsed value for JSON, the message for a protobuf message, and bytes for
        any other encoded payload. Foreign keys of the result are external ids, unless ``data_type`` is SIMPLE. A
        deletion needs only what identifies the object. For the data type SNAPSHOT the result may be a Snapshot.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement prepare_internal_object")

    def get_internal_object_params(self, id: ExternalId, object_type: str) -> ObjectParams | None:  # noqa: A002
        """Say where to find the object that the foreign key ``id`` points at.

        Called once for each distinct key. None, the default: the server looks up which object an earlier task with
        this ``external_id`` made.
        """
        return None

    def get_internal_document_params(self, id: ExternalId, class_name: str) -> DocumentParams | None:  # noqa: A002
        """Say where to find the page that the foreign key ``id`` points at.

        ``class_name`` is the object type of the object or page that holds the key. None, the default: the server looks
        up which page an earlier task with this ``external_id`` made.
        """
        return None
