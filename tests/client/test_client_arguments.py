"""An argument of the wrong type is refused by its name, with what to use; nothing is sent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.either_client import EitherClient

from integrationbus.client import AsyncClient, Client, NewTask, PreparedObject, PreparedPart, TaskType
from integrationbus.client.wire.tasks import task_spec
from integrationbus.connectors import TaskType as SdkTaskType

CREATE = TaskType.CREATE_OBJECT
PARTS: Any = PreparedObject("crm.user", {}, parts=(PreparedPart("crm.phone", (), handling="PARTIAL"),))  # type: ignore[arg-type] # wrong


def log(*arguments: Any, **options: Any) -> Callable[[EitherClient], object]:
    return lambda client: client.call(lambda each: each.log_task(*arguments, **options))


def list_tasks(**task_filter: Any) -> Callable[[EitherClient], object]:
    return lambda client: client.items(lambda each: each.list_tasks(**task_filter), 1)


def watch(**options: Any) -> Callable[[EitherClient], object]:
    def enter(client: EitherClient) -> None:
        with client.watch(**options):
            pass

    return enter


def watch_objects(*filters: Any, **options: Any) -> Callable[[EitherClient], object]:
    def enter(client: EitherClient) -> None:
        with client.watch_objects(*filters, **options):
            pass

    return enter


def call(name: str, *arguments: Any, **options: Any) -> Callable[[EitherClient], object]:
    return lambda client: client.call(lambda each: getattr(each, name)(*arguments, **options))


def watch_connectors(*arguments: Any, **options: Any) -> Callable[[EitherClient], object]:
    return lambda client: client.items(lambda each: each.watch_connectors(*arguments, **options), 1)


TASK_TYPE = "use TaskType, such as TaskType.CREATE_OBJECT, not"
TASK_STATE = "states: use TaskState, such as TaskState.PENDING, not"
SINCE = "since: use a ResumeToken (ResumeToken.from_text reads one), not"
MISUSES: list[tuple[Callable[[EitherClient], object], str]] = [
    (log("people", "CREATE_OBJECT", {}), f"task_type: {TASK_TYPE} 'CREATE_OBJECT'"),
    (log("people", None, {}), f"task_type: {TASK_TYPE} None"),
    (log("people", CREATE, {}, process_type="DEFAULT"), "process_type: use ProcessType, such as ProcessType.DEFAULT, "),
    (log("people", CREATE, {}, data_type="SIMPLE"), "data_type: use TaskDataType, such as TaskDataType.SIMPLE, not"),
    (log("people", CREATE, {}, missing_key="WAIT"), "missing_key: use MissingKeyAction, such as MissingKeyAction.FAIL"),
    (log("people", CREATE, {}, labels={"a": 1}), "labels: use text, not int"),
    (log("people", CREATE, {}, labels={1: "a"}), "labels: use text, not int"),
    (log("people", CREATE, {}, labels=["a"]), "labels: use a mapping of text to text, not list"),
    (log("people", CREATE, {}, key_wait_timeout=5), "key_wait_timeout: use a timedelta, not int"),
    (log("people", CREATE, {}, site=5), "site: use text, not int"),
    (log("people", CREATE, {}, object_type=str), "object_type: use text, not the class str"),
    (log("people", CREATE, {}, title=b"x"), "title: use text, not bytes"),
    (log("people", CREATE, {}, trace_parent=1), "trace_parent: use text, not int"),
    (log(None, CREATE, {}), "connector: use text, not NoneType"),
    (log("people", CREATE, PARTS), "payload.object.parts[0].handling: use SnapshotHandling, such as "),
    (call("preview_task", "people", 1.5, {}), f"task_type: {TASK_TYPE} 1.5"),
    (call("log_tasks", [{"connector": "people"}]), "tasks[0]: use NewTask, not dict"),
    (call("log_tasks", [NewTask("a", CREATE, {}, title=5)]), "tasks[0].title: use text, not int"),  # type: ignore[arg-type] # wrong
    (call("get_task", 5), "task_id: use text, not int"),
    (call("task_history", 5), "task_id: use text, not int"),
    (call("retry_tasks", states="FAILED"), f"{TASK_STATE} 'FAILED'"),
    (call("resume_connector", "people", "SKIP"), "head_action: use HeadAction, such as HeadAction.RETRY, not 'SKIP'"),
    (call("set_switch", "BUS", on=True), "switch: use Switch, such as Switch."),
    (list_tasks(states="failed"), f"{TASK_STATE} 'failed'"),
    (list_tasks(states=["failed"]), f"{TASK_STATE} 'failed'"),
    (list_tasks(states=None), "states: use one value or many, not NoneType"),
    (list_tasks(task_types="CREATE_OBJECT"), f"task_types: {TASK_TYPE} 'CREATE_OBJECT'"),
    (list_tasks(process_types="DEFAULT"), "process_types: use ProcessType, such as ProcessType.DEFAULT, not 'DEFAULT'"),
    (list_tasks(data_types="SIMPLE"), "data_types: use TaskDataType, such as TaskDataType.SIMPLE, not 'SIMPLE'"),
    (list_tasks(connectors=[1]), "connectors: use text, not int"),
    (list_tasks(task_ids=1), "task_ids: use text, not int"),
    (list_tasks(site=1), "site: use text, not int"),
    (list_tasks(labels=["a"]), "labels: use a mapping of text to text, not list"),
    (list_tasks(waiting_for_external_id=1.5), "waiting_for_external_id: an external id is text or an integer, not flo"),
    (watch(states="SUCCEEDED"), f"{TASK_STATE} 'SUCCEEDED'"),
    (watch(since="CiRj"), f"{SINCE} str"),
    (watch_objects(since="CiRj"), f"{SINCE} str"),
    (watch_objects(1), "object_types: use text, not int"),
    (watch_connectors([1]), "names: use text, not int"),
    (watch_connectors(interval="5"), "interval: use a number of seconds, not str"),
]


@pytest.mark.parametrize(("misuse", "says"), MISUSES, ids=[says for _, says in MISUSES])
def test_an_argument_of_the_wrong_type_is_named(
    client: EitherClient, misuse: Callable[[EitherClient], object], says: str
) -> None:
    with pytest.raises(TypeError) as caught:
        misuse(client)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("name", ["timeout", "patience"])
@pytest.mark.parametrize("make", [Client, AsyncClient])
def test_a_time_is_a_number_of_seconds(make: Callable[..., object], name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}: use a number of seconds, not str"):
        make("127.0.0.1:1", application="crm", **{name: "5"})


def test_text_that_is_not_valid_unicode_is_named(client: EitherClient) -> None:
    """What ``surrogateescape`` makes of a file in another encoding."""
    task = NewTask("people", CREATE, {}, external_id="M\udcfcller")
    with pytest.raises(ValueError, match=r"^tasks\[0\].external_id: the text is not valid Unicode: "):
        client.call(lambda each: each.log_tasks([task]))


def test_the_numbers_of_enumerations_are_taken() -> None:
    """As are the members of the connector SDK's enumerations, which authors of connectors have at hand."""
    for task_type in (3, SdkTaskType.DELETE_OBJECT, TaskType.DELETE_OBJECT):
        assert task_spec(NewTask("people", task_type, {})).task_type == 3  # type: ignore[arg-type] # a twin


def test_a_time_to_wait_travels() -> None:
    task = NewTask("people", CREATE, {}, key_wait_timeout=timedelta(hours=1))
    assert task_spec(task).key_wait_timeout.ToTimedelta() == timedelta(hours=1)
