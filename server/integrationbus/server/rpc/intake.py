"""Checking tasks before anything is stored. Knows nothing of gRPC: the in-process door uses it as well."""

import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta

from integrationbus.server.errors import FieldProblem, InvalidRequest, TaskTypeMismatch
from integrationbus.server.ids import new_id
from integrationbus.server.limits import Limits
from integrationbus.server.log_entries import RequestKey
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.rpc.checks import check_text, choice, invalid
from integrationbus.server.rpc.payload_intake import check_payload
from integrationbus.server.task import (
    MissingKeyAction,
    NewTask,
    Payload,
    PayloadForm,
    ProcessType,
    TaskDataType,
    TaskType,
)
from integrationbus.v1 import payload_pb2, task_pb2

__all__ = ["check_creator", "check_task", "check_task_at", "request_key"]

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_MAX_LABELS = 32
_LONGEST_WAIT = timedelta(days=3650)
# Until Python 3.12 each look-up of a member takes as long as some of the checks.
_PREPARED = (PayloadForm.OBJECT, PayloadForm.PAGE)


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
    data_type = choice("data_type", spec.data_type, TaskDataType, TaskDataType.SIMPLE_SNAPSHOT)
    _check_data_type(data_type, task_type, spec.payload, payload.form)
    object_type = _object_type(spec, task_type, payload, registered)
    is_about_a_site = task_type.is_about_a_site
    if is_about_a_site and object_type and registered.connector:
        _check_knows_sites(registry, task_type, object_type)
    return NewTask(
        id=new_id(),
        connector=registered.name,
        task_type=task_type,
        data_type=data_type,
        process_type=choice("process_type", spec.process_type, ProcessType, ProcessType.DEFAULT),
        object_type=object_type,
        external_id=check_text("external_id", spec.external_id, 255),
        site=check_text("site", spec.site, 200, required=is_about_a_site or task_type.is_for_pages),
        labels=_labels(spec),
        given_title=check_text("title", spec.title, 255),
        creator=creator,
        trace_parent=_trace_parent(spec.trace_parent),
        payload=payload,
        missing_key=choice("missing_key", spec.missing_key, MissingKeyAction) if spec.missing_key else None,
        wait_limit=_wait_limit(spec),
    )


def check_task_at(
    path: str, spec: task_pb2.TaskSpec, *, registry: ConnectorRegistry, limits: Limits, creator: str
) -> NewTask:
    """As ``check_task``, with paths that start with where the task stands in its request."""
    try:
        return check_task(spec, registry=registry, limits=limits, creator=creator)
    except InvalidRequest as error:
        raise (error.below(path) if path else error) from None


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
    if payload.form in _PREPARED:
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


def _check_data_type(
    data_type: TaskDataType, task_type: TaskType, payload: payload_pb2.Payload, form: PayloadForm
) -> None:
    """A snapshot is of an object: pages have no children or bindings that could travel along."""
    if data_type.carries_parts and task_type.is_for_pages:
        raise TaskTypeMismatch(FieldProblem("data_type", f"SNAPSHOT is for objects, {task_type.name} is for pages"))
    if form in _PREPARED and payload.object.parts and not data_type.carries_parts:
        raise invalid("payload.object.parts", f"go with the data type SNAPSHOT, not with {data_type.name}")


def _check_knows_sites(registry: ConnectorRegistry, task_type: TaskType, object_type: str) -> None:
    if registry.classes.site_binding_of(registry.classes.get(object_type)) is None:
        text = f"{task_type.name} is not for {object_type}: no binding joins it to sites"
        raise TaskTypeMismatch(FieldProblem("task_type", text))


def _wait_limit(spec: task_pb2.TaskSpec) -> timedelta | None:
    if not spec.HasField("key_wait_timeout"):
        return None
    if int(spec.missing_key) == MissingKeyAction.FAIL:
        raise invalid("key_wait_timeout", "goes with WAIT: a task that fails at once does not wait")
    try:
        limit = spec.key_wait_timeout.ToTimedelta()
    except (ValueError, OverflowError):
        raise invalid("key_wait_timeout", "is no duration") from None
    if not timedelta(seconds=1) <= limit <= _LONGEST_WAIT:
        raise invalid("key_wait_timeout", f"must be from one second to {_LONGEST_WAIT.days} days, not {limit}")
    return limit


def _labels(spec: task_pb2.TaskSpec) -> dict[str, str]:
    if not spec.labels:
        return {}
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
