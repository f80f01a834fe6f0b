"""LogTask and LogTasks: what is stored, and what a repetition answers."""

import asyncio

from support.served import Served, refusal_of
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2, task_pb2
from integrationbus.v1.connector_service_pb2 import DisableConnectorRequest
from integrationbus.v1.task_service_pb2 import GetTaskRequest, ListTasksRequest, LogTasksRequest


async def test_a_task_gets_the_next_place_in_its_connectors_line(served: Served) -> None:
    first, second = [await served.tasks.LogTask(log_request(name, connector="notified")) for name in ("Ada", "Bob")]
    assert (first.task.sequence, second.task.sequence) == (1, 2)
    stored = (await served.tasks.GetTask(GetTaskRequest(id=second.task.id, view=enums_pb2.TASK_VIEW_FULL))).task
    assert stored.state == enums_pb2.TASK_STATE_PENDING
    assert stored.payload.record.fields["name"].string_value == "Bob"
    assert stored.title == "Create object Bob"


async def test_a_given_title_is_shown(served: Served) -> None:
    request = log_request("Ada", connector="notified")
    request.task.title = "The first programmer"
    logged = await served.tasks.LogTask(request)
    assert (await served.tasks.GetTask(GetTaskRequest(id=logged.task.id))).task.title == "The first programmer"


async def test_calls_at_the_same_time_are_all_stored_once_and_without_holes(served: Served) -> None:
    answers = await asyncio.gather(
        *(served.tasks.LogTask(log_request(f"p{i}", connector="notified")) for i in range(300))
    )
    assert sorted(answer.task.sequence for answer in answers) == list(range(1, 301))


async def test_a_repeated_request_gets_the_first_answer(served: Served) -> None:
    first = await served.tasks.LogTask(log_request("Ada", "r1"))
    again = await served.tasks.LogTask(log_request("Ada", "r1"))
    assert again.task.id == first.task.id
    assert (first.task.duplicate, again.task.duplicate) == (False, True)
    refusal = await refusal_of(served.tasks.LogTask(log_request("Bob", "r1")))
    assert (refusal.code, refusal.reason, refusal.path) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED", "request_id")


async def test_request_ids_belong_to_the_application_that_calls(served: Served) -> None:
    for application in ("crm", "erp"):
        answer = await served.tasks.LogTask(
            log_request("Ada", "r1"), metadata=[("integrationbus-application", application)]
        )
        assert not answer.task.duplicate
        again = await served.tasks.LogTask(
            log_request("Ada", "r1"), metadata=[("integrationbus-application", application)]
        )
        assert (again.task.id, again.task.duplicate) == (answer.task.id, True)
        task = (await served.tasks.GetTask(GetTaskRequest(id=answer.task.id))).task
        assert task.creator == application


async def test_a_batch_is_stored_as_a_whole_or_not_at_all(served: Served) -> None:
    bad = task_pb2.TaskSpec(connector="notified")
    refusal = await refusal_of(served.tasks.LogTasks(LogTasksRequest(tasks=[person("Ada", "notified"), bad])))
    assert (refusal.reason, refusal.path) == ("INVALID_FIELD", "tasks[1].task_type")
    assert not (await served.tasks.ListTasks(ListTasksRequest())).tasks


async def test_a_partial_batch_answers_for_each_task_in_its_place(served: Served) -> None:
    specs = [person("Ada", "notified"), task_pb2.TaskSpec(connector="nobody"), person("Bob", "notified")]
    answer = await served.tasks.LogTasks(LogTasksRequest(tasks=specs, allow_partial=True, request_id="b1"))
    assert [result.WhichOneof("outcome") for result in answer.results] == ["task", "refusal", "task"]
    assert answer.results[1].refusal.reason == "CONNECTOR_NOT_FOUND"
    again = await served.tasks.LogTasks(LogTasksRequest(tasks=specs, allow_partial=True, request_id="b1"))
    assert [again.results[i].task.id for i in (0, 2)] == [answer.results[i].task.id for i in (0, 2)]
    assert again.results[0].task.duplicate


async def test_a_partial_batch_stores_what_is_not_for_a_connector_that_is_off(served: Served) -> None:
    await served.connectors.DisableConnector(DisableConnectorRequest(name="notified"))
    specs = [person("Ada"), person("Bob", "notified")]
    answer = await served.tasks.LogTasks(LogTasksRequest(tasks=specs, allow_partial=True))
    assert [result.WhichOneof("outcome") for result in answer.results] == ["task", "refusal"]
    assert answer.results[1].refusal.reason == "CONNECTOR_DISABLED"


async def test_a_batch_that_is_refused_as_a_whole_stores_nothing_and_says_why(served: Served) -> None:
    specs = [task_pb2.TaskSpec(connector="nobody")] * 2
    answer = await served.tasks.LogTasks(LogTasksRequest(tasks=specs, allow_partial=True))
    assert [result.refusal.reason for result in answer.results] == ["CONNECTOR_NOT_FOUND"] * 2
    refusal = await refusal_of(served.tasks.LogTasks(LogTasksRequest()))
    assert refusal.path == "tasks"


async def test_lists_go_on_where_they_stopped(served: Served) -> None:
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{i}", "notified") for i in range(5)]))
    names: list[str] = []
    request = ListTasksRequest(page_size=2)
    while True:
        page = await served.tasks.ListTasks(request)
        names += [task.external_id for task in page.tasks]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == [f"p{i}" for i in range(5)]
    newest = await served.tasks.ListTasks(ListTasksRequest(newest_first=True, page_size=1))
    assert newest.tasks[0].external_id == "p4"


async def test_a_page_token_is_of_no_use_with_another_filter(served: Served) -> None:
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(f"p{i}", "notified") for i in range(3)]))
    page = await served.tasks.ListTasks(ListTasksRequest(page_size=1))
    other = ListTasksRequest(page_size=1, page_token=page.next_page_token, newest_first=True)
    for request in (other, ListTasksRequest(page_token="nonsense"), ListTasksRequest(page_token="bnVsbA==")):
        refusal = await refusal_of(served.tasks.ListTasks(request))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


async def test_filters_select_tasks(served: Served) -> None:
    labelled = person("Ada", "notified")
    labelled.labels["batch"] = "7"
    await served.tasks.LogTasks(LogTasksRequest(tasks=[labelled, person("Bob", "notified")]))

    async def found(**fields: object) -> list[str]:
        request = ListTasksRequest(filter=task_pb2.TaskFilter(**fields))  # type: ignore[arg-type] # any field
        return [task.external_id for task in (await served.tasks.ListTasks(request)).tasks]

    assert await found(labels={"batch": "7"}) == ["Ada"]
    assert await found(external_ids=["Bob"]) == ["Bob"]
    assert await found(states=[enums_pb2.TASK_STATE_SUCCEEDED]) == []
    assert await found(connectors=["people"]) == []
