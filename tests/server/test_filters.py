"""What each part of a filter selects, in lists and in watches, on each kind of database."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from support.served import serve

from integrationbus.client import (
    AsyncClient,
    InvalidRequest,
    NewTask,
    ProcessType,
    ResumeToken,
    TaskDataType,
    TaskFilter,
    TaskType,
)

CONNECTORS = ["support.people:NotifiedConnector"]
WANTED = NewTask(
    "notified",
    TaskType.UPDATE_OBJECT,
    {"name": "Ada"},
    data_type=TaskDataType.SNAPSHOT,
    process_type=ProcessType.SKIP_ON_ERROR,
    object_type="test.person",
    external_id="wanted",
    site="main",
    labels={"import": "1"},
)
# Each differs from what is wanted in what it is called after.
OTHERS = (
    replace(WANTED, external_id="task_types", task_type=TaskType.CREATE_OBJECT),
    replace(WANTED, external_id="data_types", data_type=TaskDataType.SIMPLE),
    replace(WANTED, external_id="process_types", process_type=ProcessType.SKIP_ONCE),
    replace(WANTED, external_id="object_type", object_type="test.team"),
    replace(WANTED, external_id="site", site="other"),
    replace(WANTED, external_id="labels", labels={"import": "2"}),
    replace(WANTED, external_id="creator"),
)
FILTERS: dict[str, TaskFilter] = {
    "task_types": {"task_types": [TaskType.DELETE_OBJECT, TaskType.UPDATE_OBJECT]},
    "data_types": {"data_types": [TaskDataType.SIMPLE_SNAPSHOT, TaskDataType.SNAPSHOT]},
    "process_types": {"process_types": [ProcessType.DEFAULT, ProcessType.SKIP_ON_ERROR]},
    "object_type": {"object_type": "test.person"},
    "site": {"site": "main"},
    "labels": {"labels": {"import": "1"}},
    "creator": {"creator": "crm"},
}


async def logged(address: str) -> ResumeToken:
    """Log a first task, then those that differ, then the one that every filter wants; returns where they begin."""
    async with AsyncClient(address, application="crm") as crm, AsyncClient(address, application="erp") as erp:
        first = await crm.log_task("notified", TaskType.CREATE_OBJECT, {})
        for task in OTHERS:
            await (erp if task.external_id == "creator" else crm).log_tasks([task])
        await crm.log_tasks([WANTED])
    return first.resume_token


async def names_until_wanted(changes: AsyncIterator[object]) -> list[str]:
    """What a watch shows, up to the last task, which every filter lets through."""
    names: list[str] = []
    while "wanted" not in names:
        names.append(getattr(await anext(changes), "external_id", ""))
    return names


async def test_each_part_of_a_filter_leaves_out_what_differs_in_it(database_url: str) -> None:
    async with serve(database_url, CONNECTORS) as served, AsyncClient(served.address, application="tests") as client:
        token = await logged(served.address)
        for part, task_filter in FILTERS.items():
            expected = [name for name in (*FILTERS, "wanted") if name != part]
            found = [task.external_id async for task in client.list_tasks(**task_filter)]
            assert [name for name in found if name] == expected, part
            async with client.watch(since=token, **task_filter) as changes:
                assert await names_until_wanted(changes) == expected, part
        everything: TaskFilter = {}
        for task_filter in FILTERS.values():
            everything |= task_filter
        assert [task.external_id async for task in client.list_tasks(**everything)] == ["wanted"]
        counted = await client.skip_tasks(data_types=TaskDataType.SNAPSHOT, validate_only=True)
        assert counted.affected == len(OTHERS)
        with pytest.raises(InvalidRequest, match=r"filter.data_types\[0\]"):
            _ = [task async for task in client.list_tasks(data_types=TaskDataType(99))]
