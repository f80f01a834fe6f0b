"""What a connector knows of the attempt that it is called for, to do things elsewhere that must not be repeated."""

from datetime import timedelta
from typing import Any

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from support.people import PeopleConnector, PersonInfo

from integrationbus.connectors import Attempt, RetryableError
from integrationbus.server.connector import HeadAction
from integrationbus.server.processing.previewer import Previewer
from integrationbus.server.target.sql_target import SqlTarget

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Attempt]:
    """The attempts that the connector was called for, also for keys."""
    attempts: list[Attempt] = []

    def note(connector: PeopleConnector, obj: Any, *_: Any) -> PersonInfo:
        attempts.append(connector.current_attempt)
        if len(attempts) < obj["number"]:
            raise RetryableError("later")
        return PersonInfo(name="Ada", boss_id="7" if "boss" in obj else None)

    def note_key(connector: PeopleConnector, *_: Any) -> None:
        attempts.append(connector.current_attempt)

    monkeypatch.setattr(PeopleConnector, "prepare_internal_object", note)
    monkeypatch.setattr(PeopleConnector, "get_internal_object_params", note_key)
    return attempts


def test_every_attempt_has_the_id_of_its_task_and_the_next_number(
    bus: Workbench, clock: ManualClock, seen: list[Attempt]
) -> None:
    [task_id] = bus.log(new_task({"number": 5}))
    bus.process()  # three attempts, then the connector halts
    clock.advance(timedelta(hours=1))
    bus.store.clear_halt("people", HeadAction.RETRY, actor="", reason="")
    bus.process()
    assert seen == [Attempt(task_id=task_id, number=number) for number in (1, 2, 3, 4, 5)]
    assert bus.task(task_id).attempt_count == 5
    assert PeopleConnector().current_attempt == Attempt()


def test_a_key_is_asked_for_within_the_attempt_that_needs_it(bus: Workbench, seen: list[Attempt]) -> None:
    [task_id] = bus.log(new_task({"number": 0, "boss": True}))
    bus.process()
    assert seen == [Attempt(task_id=task_id, number=1)] * 2


async def test_a_preview_says_that_it_is_one(bus: Workbench, clock: ManualClock, seen: list[Attempt]) -> None:
    previewer = Previewer(
        effects=bus.target.effects, target=SqlTarget(bus.registry.classes), registry=bus.registry, clock=clock
    )
    task = new_task({"number": 0})
    preview = await previewer.preview(task)
    previewer.stop()
    assert preview.problem is None
    assert seen == [Attempt(task_id=task.id, number=1, is_preview=True)]
