"""Whatever is asked, SQLite and PostgreSQL give the same answers, in the same order and with the same texts."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from support.databases import fresh_postgres
from support.served import Served, serve
from support.transcript import Transcript

from integrationbus.v1 import enums_pb2, payload_pb2, task_pb2
from integrationbus.v1.connector_service_pb2 import (
    DisableConnectorRequest,
    EnableConnectorRequest,
    GetConnectorRequest,
    ListConnectorsRequest,
    PauseConnectorRequest,
    ResumeConnectorRequest,
)
from integrationbus.v1.notify_service_pb2 import RequestTasksProcessingRequest, WatchRunRequest
from integrationbus.v1.object_service_pb2 import (
    GetObjectRequest,
    ListObjectsRequest,
    ObjectKey,
    ResolveKeysRequest,
)
from integrationbus.v1.task_pb2 import TaskFilter
from integrationbus.v1.task_service_pb2 import (
    DeleteTasksRequest,
    GetTaskRequest,
    ListTaskAttemptsRequest,
    ListTasksRequest,
    LogTaskRequest,
    LogTasksRequest,
    RetryTasksRequest,
    SkipTasksRequest,
    TaskSelection,
    WatchTasksRequest,
)

CONNECTORS = ("support.people:NotifiedConnector", "support.people:NarrowConnector", "support.people:PatientConnector")
NOTIFY = RequestTasksProcessingRequest(connectors=["notified"], clear_halt=True)

# Texts that a database may take for one another, order in its own way, or change.
ODD_TEXTS = [
    *("a", "A", "a ", " a", "b", "B", "_a", "-a", "a-b", "ab", "aB", "Ä", "ä", "a\u0308", "z", "Z", "1", "01"),
    *("istanbul", "ISTANBUL", "\u0130stanbul", "\u0131stanbul", "straße", "STRASSE", "\ufb01", "fi", "null", "NULL"),
    *("\U0001f600", "\U0001f1e6\U0001f1f9", "it's", 'say "x"', "back\\slash", "%", "a%"),
    *("\u00a0", "\ufeff"),
]


class Script:
    """Asks one server everything, and writes down what it says."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.transcript = Transcript()

    async def log(self, fields: dict[str, Any], external_id: str = "", request_id: str = "", **spec: Any) -> Any:
        record = payload_pb2.Record(fields={name: payload_pb2.Value(**value) for name, value in fields.items()})
        task = task_pb2.TaskSpec(
            connector="notified",
            external_id=external_id,
            payload=payload_pb2.Payload(record=record),
            **{
                "task_type": enums_pb2.TASK_TYPE_CREATE_OBJECT,
                "process_type": enums_pb2.PROCESS_TYPE_SKIP_ON_ERROR,
                **spec,
            },
        )
        call = self.served.tasks.LogTask(LogTaskRequest(task=task, request_id=request_id))
        return await self.transcript.note(f"log {external_id!r}", call)

    async def process(self) -> None:
        [ticket] = (await self.served.notify.RequestTasksProcessing(NOTIFY)).tickets
        await self.run(ticket.run.id)

    async def run(self, run_id: str) -> None:
        await self.transcript.note_last("run", self.served.notify.WatchRun(WatchRunRequest(run_id=run_id)))
        await self.connectors()

    async def connectors(self) -> None:
        await self.transcript.note("connectors", self.served.connectors.ListConnectors(ListConnectorsRequest()))

    async def list(self, what: str, **request: Any) -> Any:
        return await self.transcript.note(f"list {what}", self.served.tasks.ListTasks(ListTasksRequest(**request)))

    async def everything(self) -> None:
        first = await self.life()
        await self.texts()
        await self.refusals()
        await self.events(first.resume_token)

    async def life(self) -> Any:
        """Tasks that succeed, fail, wait, are retried, skipped and deleted."""
        served, note = self.served, self.transcript.note
        first = await self.log(named("Ada"), "1", "r")
        await self.log(named("Ada"), "1", "r")
        await self.log(named("Bob"), "1", "r")
        await self.log(named("Bob"), "2", "R", labels={"batch": "7", "Ä": "ö "})
        await self.log(named("Cy") | {"boss_id": text("2")}, "3", "r ")
        await self.log(named("Di") | {"boss_id": text("9")}, "4", missing_key=enums_pb2.MISSING_KEY_ACTION_WAIT)
        await self.log(named("Di") | {"age": {"int64_value": 5}}, "4")
        await self.log({"do": text("raise")}, "5")
        await self.log({"do": text("wrong")}, "6", process_type=enums_pb2.PROCESS_TYPE_DELETE_ON_ERROR)
        await self.log(named("Ed") | {"age": {"double_value": float("nan")}}, "7")
        await self.log(named("Flo"), "8", process_type=enums_pb2.PROCESS_TYPE_SKIP_ONCE)
        await self.log({"do": text("none")}, "9a", process_type=enums_pb2.PROCESS_TYPE_DEFAULT)
        await self.log(named("Gus"), "9b")
        await self.process()
        failed = (await self.list("failed", filter=TaskFilter(states=[enums_pb2.TASK_STATE_FAILED]))).tasks
        await self.list("blocked", filter=TaskFilter(states=[enums_pb2.TASK_STATE_PENDING]))
        await self.list("waiting", filter=TaskFilter(waiting_for_external_id="9"))
        await self.list("labelled", filter=TaskFilter(labels={"batch": "7", "Ä": "ö "}))
        await self.list("newest", newest_first=True, page_size=3, view=enums_pb2.TASK_VIEW_FULL)
        pause = PauseConnectorRequest(name="notified", reason="a look")
        await note("pause", served.connectors.PauseConnector(pause))
        ids = [task.id for task in failed]
        await note("skip", served.tasks.SkipTasks(SkipTasksRequest(selection=TaskSelection(task_ids=ids[:1]))))
        stale = TaskSelection(task_ids=ids[:1], etag="1")
        await note("etag", served.tasks.RetryTasks(RetryTasksRequest(selection=stale)))
        for_all = TaskSelection(filter=TaskFilter(states=[enums_pb2.TASK_STATE_WAITING]))
        await note("rehearsal", served.tasks.DeleteTasks(DeleteTasksRequest(selection=for_all, validate_only=True)))
        await note("delete", served.tasks.DeleteTasks(DeleteTasksRequest(selection=for_all, reason="there is no 9")))
        await note(
            "final", served.tasks.RetryTasks(RetryTasksRequest(selection=TaskSelection(task_ids=[first.task.id])))
        )
        resume = ResumeConnectorRequest(name="notified", head_action=enums_pb2.HEAD_ACTION_SKIP)
        # Its answer tells of a run that goes on meanwhile.
        resumed = await served.connectors.ResumeConnector(resume)
        await self.run(resumed.run.id)
        await self.process()
        for task_id in (first.task.id, *ids):
            await note("attempts", served.tasks.ListTaskAttempts(ListTaskAttemptsRequest(task_id=task_id)))
        return first

    async def texts(self) -> None:
        """Odd texts as external ids, names of objects, request ids, titles and labels."""
        served, note = self.served, self.transcript.note
        for odd in ODD_TEXTS:
            labels = {"odd": odd, odd: "odd"}
            await self.log(named(odd), odd, odd, title=odd, labels=labels, site=odd, object_type="test.person")
        await self.process()
        for odd in ODD_TEXTS:
            await self.list(f"{odd!r}", filter=TaskFilter(external_ids=[odd]), view=enums_pb2.TASK_VIEW_FULL)
            await self.list(f"labels {odd!r}", filter=TaskFilter(labels={odd: "odd", "odd": odd}, site=odd))
            key = GetObjectRequest(object_type="test.person", code_name=odd)
            await note(f"object {odd!r}", served.objects.GetObject(key))
        objects = ListObjectsRequest(object_type="test.person")
        await note("objects", served.objects.ListObjects(objects))
        keys = [ObjectKey(object_type="test.person", external_id=odd) for odd in (*ODD_TEXTS, "none")]
        found = await note("keys", served.objects.ResolveKeys(ResolveKeysRequest(connector="notified", keys=keys)))
        back = [ObjectKey(object_type="test.person", object_id=number + 1) for number in range(len(found.keys))]
        await note("keys back", served.objects.ResolveKeys(ResolveKeysRequest(connector="notified", keys=back)))

    async def refusals(self) -> None:
        """What is no text for a database, or belongs to nobody."""
        served, note = self.served, self.transcript.note
        for odd in ("nul\0", "tab\t", "line\n", "\x7f"):
            await self.log(named(odd), "nul")
            await self.log(named("nul"), odd)
        await self.log(named("nul"), "nul", "nul\0")
        for field in ("title", "site", "object_type"):
            await self.log(named("nul"), "nul", **{field: "nul\0"})
        await self.log(named("nul"), "nul", labels={"nul\0": "nul\0"})
        await self.log(named("long" * 100), "long")
        await self.log(named("long"), "x" * 300)
        await self.log(named("Ada"), "twin")
        await self.process()
        await self.process()
        await self.list("nul", filter=TaskFilter(external_ids=["nul\0"]))
        await note("no task", served.tasks.GetTask(GetTaskRequest(id="nul\0")))
        await note("no connector", served.connectors.GetConnector(GetConnectorRequest(name="Notified")))
        await note("no object", served.objects.GetObject(GetObjectRequest(object_type="test.person", code_name="x\0")))
        await note("off", served.connectors.DisableConnector(DisableConnectorRequest(name="notified", reason="nul\0")))
        await note("off", served.connectors.DisableConnector(DisableConnectorRequest(name="notified", reason="ends")))
        await self.log(named("late"), "late")
        await note("batch", served.tasks.LogTasks(LogTasksRequest()))
        await note("on", served.connectors.EnableConnector(EnableConnectorRequest(name="notified")))

    async def events(self, resume_token: Any) -> None:
        """Every change of every task so far."""
        last = await self.log(named("the last"), "last")
        await self.process()
        changes: list[Any] = []
        async for message in self.served.tasks.WatchTasks(WatchTasksRequest(resume_token=resume_token)):
            changes += MessageToDict(message.changes).get("changes", [])
            if any(last.task.id in str(change) and "SUCCEEDED" in str(change) for change in changes):
                break
        self.transcript.add("events", changes)


def text(value: str) -> dict[str, Any]:
    return {"string_value": value}


def named(name: str) -> dict[str, Any]:
    return {"name": text(name)}


@pytest.mark.timeout(120)
async def test_both_databases_answer_alike(tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A batch that a busy machine cuts short is charged to its tasks, as an attempt.
    monkeypatch.setattr("integrationbus.server.processing.runner._PREPARE_SECONDS", 60.0)
    transcripts: list[list[tuple[str, Any]]] = []
    with contextlib.ExitStack() as stack:
        for url in (f"sqlite:///{tmp_path / 'bus.db'}", stack.enter_context(fresh_postgres(postgres, "bus_parity"))):
            async with serve(url, CONNECTORS) as served:
                script = Script(served)
                await asyncio.wait_for(script.everything(), timeout=60)
                transcripts.append(script.transcript.lines)
    first, second = transcripts
    assert len(first) > 180
    for mine, other in zip(first, second, strict=True):
        assert mine == other, f"SQLite: {json.dumps(mine)}\nPostgreSQL: {json.dumps(other)}"
