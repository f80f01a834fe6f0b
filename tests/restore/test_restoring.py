"""Backups that are put back: what was lost is not taken for what there is."""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.bench import Workbench, new_task
from support.books import problems_of_the_books
from support.clocks import ManualClock
from support.served import refusal_of, serve
from typer.testing import CliRunner

from integrationbus.client import AsyncClient, ResumeToken, TaskState, TaskType, TokenInvalid
from integrationbus.server.claims import ClaimRequest, NewRun
from integrationbus.server.cli.commands import app
from integrationbus.server.errors import LeaseLost
from integrationbus.server.ids import new_id
from integrationbus.server.run import RunTrigger
from integrationbus.server.storage.copies import backup, restamp, restore
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.migrate import downgrade, upgrade
from integrationbus.server.task import AttemptOutcome
from integrationbus.v1.task_service_pb2 import ListTasksRequest

CONNECTORS = ["support.people:PeopleConnector"]


def db(*arguments: str, url: str) -> Any:
    """Runs ``integrationbus db``; returns its JSON, or its exit code and what it says."""
    result = CliRunner().invoke(app, ["db", *arguments, "--database-url", url])
    if result.exit_code == 0 and "--json" in arguments:
        return json.loads(result.stdout)
    return result.exit_code, result.output


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def log(client: AsyncClient, name: str) -> tuple[str, ResumeToken, bool]:
    """Logs a person with a request id of its own."""
    task = await client.log_task("people", TaskType.CREATE_OBJECT, {"name": name}, external_id=name, request_id=name)
    return task.id, task.resume_token, task.duplicate


async def test_a_backup_under_load_is_restored_and_the_lost_future_is_refused(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'bus.db'}", tmp_path / "copy.db"
    async with serve(url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        _, before, _ = await log(client, "before")
        under_way, enough = asyncio.Event(), asyncio.Event()

        async def keep_logging() -> int:
            for number in count():
                await log(client, f"p{number}")
                if number == 20:
                    under_way.set()
                if enough.is_set():
                    return number
            return 0

        load = asyncio.create_task(keep_logging())
        await under_way.wait()
        assert (await asyncio.to_thread(db, "backup", str(copy), url=url))[0] == 0
        enough.set()
        logged = await load
        _, future, _ = await log(client, "future")
        page = await served.tasks.ListTasks(ListTasksRequest(page_size=1))
        exit_code, says = await asyncio.to_thread(db, "restore", str(copy), "--force", url=url)
        assert (exit_code, "is in use by process" in says) == (1, True)
    exit_code, says = db("restore", str(copy), url=url)
    assert (exit_code, "replace it with --force" in says) == (1, True)
    restored = db("restore", str(copy), "--force", "--json", url=url)
    assert names_in(tmp_path) == ["bus.db", "bus.db.lock", "bus.db.replaced-1", "copy.db"]
    assert restored["aside"] == str(tmp_path / "bus.db.replaced-1")
    async with serve(url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        assert (await client.server_info()).store_id == restored["store_id"]
        for token in (before, future):
            with pytest.raises(TokenInvalid, match=r"store_id"):
                async with client.watch(since=token, connectors="people"):
                    pass
        request = ListTasksRequest(page_size=1, page_token=page.next_page_token)
        refusal = await refusal_of(served.tasks.ListTasks(request))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
        kept = [task async for task in client.list_tasks()]
        assert 20 < len(kept) <= logged + 1
        assert (await log(client, "before"))[2], "it is in the backup"
        task_id, token, duplicate = await log(client, "future")
        assert not duplicate, "it was lost, and has to be logged again"
        async with client.watch(since=token, connectors="people", states=TaskState.SUCCEEDED, task_ids=task_id) as news:
            assert (await anext(news)).sequence == len(kept) + 1
        # What was in the line of the backup went on before it.
        assert {task.state async for task in client.list_tasks()} == {TaskState.SUCCEEDED}
        assert problems_of_the_books(served.app.opened.database) == []


def test_tasks_in_hand_at_the_time_of_the_backup_are_recovered_as_after_a_crash(
    tmp_path: Path, clock: ManualClock
) -> None:
    url, copy = f"sqlite:///{tmp_path / 'bus.db'}", tmp_path / "copy.db"
    with Workbench(url, clock) as bus:
        [task_id] = bus.log(new_task({"name": "Ada"}))
        lease = bus.store.acquire_lease("people", "bench", "")
        run = NewRun(id=new_id(), trigger=RunTrigger.NOTIFY)
        bus.store.claim(lease, ClaimRequest(run=run, after_sequence=0, max_tasks=9, max_bytes=99))
        assert bus.states([task_id]) == ["RUNNING"]
        backup(url, copy)
    restored = f"sqlite:///{tmp_path / 'elsewhere' / 'bus.db'}"
    assert restore(restored, copy, force=False).aside is None
    with Workbench(restored, clock) as bus:
        assert bus.store.abandoned() == ["people"]
        assert bus.process().counts.succeeded == 1
        attempts, _ = bus.store.attempts(task_id)
        assert [attempt.outcome for attempt in attempts] == [AttemptOutcome.CRASHED, AttemptOutcome.SUCCEEDED]
        assert bus.names("test.person") == ["Ada"]


def test_a_stamp_makes_another_store_and_ends_every_lease(database_url: str, clock: ManualClock) -> None:
    with Workbench(database_url, clock) as bus:
        bus.log(new_task({"name": "Ada"}))
        before, store_id = bus.store.store_id, ""
        lease = bus.store.acquire_lease("people", "bench", "")
        if bus.database.kind == "postgresql":
            store_id = db("restamp", "--json", url=database_url)["store_id"]
            with pytest.raises(LeaseLost), bus.store.settling(lease, ""):
                pass
    if database_url.startswith("sqlite"):
        store_id = restamp(database_url)
    with Workbench(database_url, clock) as bus:
        assert bus.store.store_id == store_id != before
        assert bus.store.acquire_lease("people", "bench", "").epoch > lease.epoch + 100_000
        assert bus.process().counts.succeeded == 1


def test_an_older_backup_is_migrated_by_the_server_that_starts_with_it(tmp_path: Path, clock: ManualClock) -> None:
    copy = tmp_path / "copy.db"
    database = open_database(f"sqlite:///{copy}")
    with database.write() as connection:
        upgrade(connection)
        downgrade(connection, "0001")
    database.close()
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    restore(url, copy, force=False)
    with Workbench(url, clock) as bus:
        bus.log(new_task({"name": "Ada"}))
        assert bus.process().counts.succeeded == 1


def test_what_cannot_be_restored_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(b"x" * 10_000)
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    with other.write() as connection:
        connection.exec_driver_sql("CREATE TABLE song (name TEXT)")
    other.close()
    newer = open_database(f"sqlite:///{tmp_path / 'newer.db'}")
    with newer.write() as connection:
        upgrade(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    for name, says in (
        ("nothing.db", "there is no file"),
        ("noise.db", "file is not a database"),
        ("other.db", "no database of the Integration Bus"),
        ("newer.db", "install a newer server"),
    ):
        exit_code, output = db("restore", str(tmp_path / name), url=url)
        assert (exit_code, says in output) == (1, True), output
    assert "use pg_restore" in db("restore", str(tmp_path / "other.db"), url="postgresql://x/y")[1]
    assert "there is no database" in db("restamp", url=url)[1]
    assert names_in(tmp_path) == ["bus.db.lock", "newer.db", "noise.db", "other.db"]
