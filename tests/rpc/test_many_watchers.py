"""WatchTasks with more than a thousand streams over one connection: each hears what it asked for."""

import asyncio

from support.served import Served
from support.specs import log_request, person

from integrationbus.v1 import enums_pb2, task_pb2
from integrationbus.v1.task_service_pb2 import LogTasksRequest, WatchTasksRequest

WATCHERS = 1_050
DONE = enums_pb2.TASK_STATE_SUCCEEDED


class Watch:
    """A watch of one external id, which keeps its token and what it hears."""

    def __init__(self, served: Served, external_id: str) -> None:
        self._served = served
        self._filter = task_pb2.TaskFilter(external_ids=[external_id])
        self.token = task_pb2.ResumeToken()
        self.heard: list[tuple[str, int]] = []

    async def start(self) -> None:
        """Begin with the next change, or go on behind the token; returns when the watch stands."""
        token = self.token if self.token.store_id else None
        self._call = self._served.tasks.WatchTasks(WatchTasksRequest(filter=self._filter, resume_token=token))
        self._messages = aiter(self._call)
        self.token.MergeFrom((await anext(self._messages)).resume_token)

    async def until_done(self) -> None:
        """Listen until a task has succeeded."""
        while not self.heard or self.heard[-1][1] != DONE:
            message = await anext(self._messages)
            self.token.MergeFrom(message.resume_token)
            self.heard += [(change.external_id, change.state) for change in message.changes.changes]

    def cancel(self) -> None:
        self._call.cancel()


async def test_each_of_a_thousand_hears_its_own_and_one_that_comes_back_misses_nothing(served: Served) -> None:
    watches = [Watch(served, f"person {number}") for number in range(WATCHERS)]
    await asyncio.gather(*(watch.start() for watch in watches))
    gone, *loud = watches[:: WATCHERS // 5]
    names = [f"person {number}" for number in range(0, WATCHERS, WATCHERS // 5)]
    gone.cancel()
    await served.tasks.LogTasks(LogTasksRequest(tasks=[person(name) for name in [*names[1:], "nobody"]]))
    await asyncio.gather(*(watch.until_done() for watch in loud))
    await served.tasks.LogTask(log_request(names[0]))
    await gone.start()
    await gone.until_done()
    states = (enums_pb2.TASK_STATE_PENDING, enums_pb2.TASK_STATE_RUNNING, DONE)
    assert [watch.heard for watch in [gone, *loud]] == [[(name, state) for state in states] for name in names]
    assert gone.token.positions["people"] > loud[-1].token.positions["people"]
    assert sum(len(watch.heard) for watch in watches) == 3 * len(names), "nobody else heard anything"
    for watch in watches:
        watch.cancel()
