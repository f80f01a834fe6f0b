"""The example of the page on declarative connectors runs."""

import re
from pathlib import Path

from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.connectors.declarative import check_file
from integrationbus.server.object_view import ByCodeName

PAGE = (Path(__file__).parents[2] / "docs" / "declarative-connectors.md").read_text()


def example(folder: Path) -> Path:
    found = re.search(r"<!-- example: people -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    path = folder / "people.yaml"
    path.write_text(found[1])
    return path


def test_the_example_makes_users_and_employees(tmp_path: Path, clock: ManualClock) -> None:
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, [str(example(tmp_path))]) as bus:
        bus.log(
            new_task({"user": "Ada", "first": "Ada", "last": "King"}),
            new_task({"login": "ADA", "hired": "1833-06-05"}, external_id="1"),
            new_task({"login": "Charles", "boss": 1}),
        )
        assert bus.process().counts.succeeded == 3
        user = bus.objects.get("cms.user", ByCodeName("ada"))
        boss = bus.objects.get("hr.employee", ByCodeName("ADA"))
        assistant = bus.objects.get("hr.employee", ByCodeName("Charles"))
    assert (user.fields["full_name"], user.fields["user_enabled"]) == ("Ada King", True)
    assert boss.fields == {"login": "ADA", "hired": "1833-06-05", "notes": "", "boss_id": None, "user_id": user.id}
    assert (assistant.fields["boss_id"], assistant.fields["user_id"]) == (boss.id, None)


def test_the_fault_of_the_page_is_what_the_check_says(tmp_path: Path) -> None:
    path = example(tmp_path)
    path.write_text(path.read_text().replace("full_name", "ful_name"))
    [fault] = check_file(path)
    assert str(fault).replace(str(path), "people.yaml") in PAGE
