"""Checking tasks before anything is stored. Knows nothing of gRPC: the in-process door uses it as well."""

import hashlib
import re
from collections.abc import Iterable

from integrationbus.server.errors import FieldProblem, TaskTypeMismatch
from integrationbus.server.ids import new_id
from integrationbus.server.limits import Limits
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.rpc.checks import check_text, choice, invalid
from integrationbus.server.rpc.payload_intake import check_payload
from integrationbus.server.store import RequestKey
from integrationbus.server.task import NewTask, Payload, PayloadForm, ProcessType, TaskDataType, TaskType
from integrationbus.v1 import task_pb2

__all__ = ["check_creator", "check_task", "request_key"]

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MAX_LABELS = 32


def check_creator(name: str) -> str:
    """The name that an application gives itself. Raises InvalidField."""
    return check_text("integrationbus-application", name, 100)


def check_task(spec: task_pb2.TaskSpec, *, registry: ConnectorRegistry, limits: Limits, creator: str) -> NewTask:
    """The task as it is stored, with a new id.

    Raises ConnectorNotFound, or an InvalidRequest whose paths are relative to the task.
    """
    check_text("connector", spec.connector, 500, required=True)
    registered = registry.get(spec.connector)
    task_type = choice("task_type", spec.task_type, TaskType)
    payload = check_payload(spec.payload, registered, limits)
    object_type = _object_type(spec, task_type, payload, registered)
    return NewTask(
        id=new_id(),
        connector=registered.name,
        task_type=task_type,
        data_type=choice("data_type", spec.data_type, TaskDataType, TaskDataType.SIMPLE_SNAPSHOT),
        process_type=choice("process_type", spec.process_type, ProcessType, ProcessType.DEFAULT),
        object_type=object_type,
        external_id=check_text("external_id", spec.external_id, 255),
        site=check_text("site", spec.site, 200, required=task_type.is_for_pages),
        labels=_labels(spec),
        title=check_text("title", spec.title, 255),
        creator=creator,
        trace_parent=_trace_parent(spec.trace_parent),
        payload=payload,
    )


def request_key(creator: str, request_id: str, digests: Iterable[bytes]) -> RequestKey | None:
    """What makes a call repeatable, if it has an id; ``digests`` stand for its tasks. Raises InvalidField."""
    if not check_text("request_id", request_id, 64):
        return None
    return RequestKey(creator=creator, request_id=request_id, body_digest=hashlib.sha256(b"".join(digests)).digest())


def _object_type(
    spec: task_pb2.TaskSpec, task_type: TaskType, payload: Payload, registered: RegisteredConnector
) -> str:
    """The type of the target, if the caller says it; checked against everything else that says it."""
    given = check_text("object_type", spec.object_type, 200)
    if payload.form in (PayloadForm.OBJECT, PayloadForm.PAGE):
        if (payload.form is PayloadForm.PAGE) is not task_type.is_for_pages:
            kind = "pages" if task_type.is_for_pages else "objects"
            raise TaskTypeMismatch(FieldProblem("task_type", f"{task_type.name} is for {kind}, the payload is not"))
        if given not in ("", payload.type_name):
            raise invalid("object_type", f"the payload is a {payload.type_name}")
        return payload.type_name
    if given and registered.connector:
        object_class = registered.object_classes.get(given)
        if object_class is None:
            known = ", ".join(sorted(registered.object_classes)) or "none"
            raise invalid("object_type", f"{registered.name} makes no {given}; its types: {known}")
        if object_class.is_page is not task_type.is_for_pages:
            kind = "a page" if object_class.is_page else "an object"
            raise TaskTypeMismatch(FieldProblem("object_type", f"{given} is {kind}, which {task_type.name} is not for"))
    return given


def _labels(spec: task_pb2.TaskSpec) -> dict[str, str]:
    if len(spec.labels) > _MAX_LABELS:
        raise invalid("labels", f"has {len(spec.labels)} entries, {_MAX_LABELS} are allowed")
    for name, value in spec.labels.items():
        check_text("labels", name, 255, required=True)
        check_text(f"labels[{name}]", value, 255)
    return dict(spec.labels)


def _trace_parent(text: str) -> str:
    if text and not _TRACE_PARENT.fullmatch(text):
        raise invalid("trace_parent", "must be a W3C traceparent, such as 00-<32 hex>-<16 hex>-01")
    return text
