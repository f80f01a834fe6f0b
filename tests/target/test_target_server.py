"""A whole server whose objects are in a database of their own."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from support.dying import ORDER
from support.served import serve
from support.writes import count_writes, writes_of

from integrationbus.client import AsyncClient, NewTask, ObjectChange, ObjectKey, TaskChange, TaskState, TaskType
from integrationbus.server.storage.database import open_database

EXAMPLE = Path(__file__).parents[2] / "client" / "examples" / "iso3166"
PEOPLE = ["support.people:PeopleConnector"]
CREATE, UPDATE = TaskType.CREATE_OBJECT, TaskType.UPDATE_OBJECT


async def test_every_call_about_objects_looks_into_the_target(tmp_path: Path) -> None:
    target_url = f"sqlite:///{tmp_path / 'new' / 'target.db'}"
    async with (
        serve(f"sqlite:///{tmp_path / 'bus.db'}", PEOPLE, target_url=target_url) as served,
        AsyncClient(served.address, application="tests") as client,
        client.watch_objects("test.person", with_objects=True) as changes,
    ):
        await client.log_task("people", CREATE, {"name": "Ada"}, external_id=7)
        change = await anext(changes)
        assert isinstance(change, ObjectChange)
        assert change.object is not None
        assert (change.object.code_name, change.object.id) == ("Ada", 1)
        preview = await client.preview_task("people", UPDATE, {"name": "Eve", "boss_id": 7}, external_id=7)
        assert [(field.name, field.before, field.after) for field in preview.fields if field.changes] == [
            ("boss_id", None, 1),
            ("name", "Ada", "Eve"),
        ]
        assert (await client.get_object("test.person", "Ada")).fields["boss_id"] is None
        [resolved] = await client.resolve_keys("people", [ObjectKey("test.person", external_id=7)])
        assert resolved.object_id == 1
        with served.app.opened.database.write() as connection:
            connection.execute(text("DROP TABLE cms_user"))  # that of the queue is of no use
        checks = {check.subject: check.outcome.name for check in await client.check_connector("people")}
        assert (checks["table test_person"], checks["table cms_user"]) == ("PASSED", "PASSED")


async def test_a_server_that_is_killed_between_the_commits_repeats_no_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import server_process

    order = tmp_path / "die"
    target_url = f"sqlite:///{tmp_path / 'target.db'}"
    monkeypatch.setenv("INTEGRATIONBUS_TARGET_URL", target_url)
    monkeypatch.setenv(ORDER, str(order))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]), prepend=":")
    monkeypatch.setattr(server_process, "_CONNECTOR", "support.dying:DyingConnector")
    server = server_process.ServerProcess(tmp_path)
    await server.start()
    async with AsyncClient(server.address, application="tests") as client:
        first = await client.log_task("dying", CREATE, {"name": "Ada", "age": 0}, external_id=1)
        async with client.watch(since=first.resume_token, states=TaskState.SUCCEEDED) as changes:
            await anext(changes)
            target = open_database(target_url)
            count_writes(target, "test_person")
            order.touch()
            updates = [NewTask("dying", UPDATE, {"name": "Ada", "age": age}, external_id=1) for age in (1, 2)]
            logging = asyncio.create_task(client.log_tasks(updates))
            with pytest.raises(server_process.ServerFailed, match="exit code -9"):
                await server.fail_when_it_ends()
            await server.kill()
            assert writes_of(target)
            await server.start()
            await logging
            done = [await anext(changes) for _ in updates]
        found = [change for change in done if isinstance(change, TaskChange)]
        assert [change.sequence for change in found] == [2, 3]
        history = await client.task_history(found[0].task_id)
        assert [attempt.outcome.name for attempt in history.attempts if attempt.outcome] == ["SUCCEEDED"]
        assert (await client.get_object("test.person", "Ada")).fields["age"] == 2
    assert writes_of(target) == ["UPDATE", "UPDATE"]
    target.close()
    assert await server.stop() == 0
    sys.modules.pop("server_process")
