"""The in-process door: what it logs, a server processes."""

from pathlib import Path

import pytest
from support.bench import Workbench
from support.clocks import ManualClock

from integrationbus.client import NewTask, TaskType
from integrationbus.server.door import Door
from integrationbus.server.errors import ConnectorNotFound, InvalidField, RequestIdReused
from integrationbus.server.storage.file_lock import DatabaseInUse

PEOPLE = ["support.people:PeopleConnector"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bus.db'}"


def test_what_is_logged_through_the_door_is_processed_by_the_server(url: str, clock: ManualClock) -> None:
    with Door(url, application="import", connectors=PEOPLE, use_entry_points=False) as door:
        first = door.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"}, external_id=1)
        door.log_tasks([NewTask("people", TaskType.CREATE_OBJECT, {"name": "Bob", "boss_id": 1})])
    assert (first.sequence, first.duplicate) == (1, False)
    with Workbench(url, clock) as bus:
        bus.process()
        assert bus.names("test.person") == ["Ada", "Bob"]
        assert bus.task(first.id).creator == "import"


def test_the_door_checks_as_the_server_does(url: str) -> None:
    with Door(url, application="import", connectors=PEOPLE, use_entry_points=False) as door:
        with pytest.raises(InvalidField, match=r"tasks\[1\]\.site: is required"):
            door.log_tasks(
                [NewTask("people", TaskType.CREATE_OBJECT, {}), NewTask("people", TaskType.CREATE_DOCUMENT, {})]
            )
        with pytest.raises(ConnectorNotFound):
            door.log_task("nobody", TaskType.CREATE_OBJECT, {})
        first = door.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"}, request_id="r")
        again = door.log_task("people", TaskType.CREATE_OBJECT, {"name": "Ada"}, request_id="r")
        assert (again.id, again.duplicate, first.sequence) == (first.id, True, 1)
        with pytest.raises(RequestIdReused):
            door.log_task("people", TaskType.CREATE_OBJECT, {"name": "Bob"}, request_id="r")


def test_the_door_is_shut_while_a_server_works(url: str, clock: ManualClock) -> None:
    with Workbench(url, clock), pytest.raises(DatabaseInUse):
        Door(url, application="import")
