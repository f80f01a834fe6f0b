"""A queue and its target that are put back together go on together."""

import shutil
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app


def db(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["db", *arguments])


def test_a_restored_queue_goes_on_with_its_restored_target(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, target = tmp_path / "bus.db", tmp_path / "target.db"
    urls = f"sqlite:///{queue}", f"sqlite:///{target}"
    monkeypatch.setenv("INTEGRATIONBUS_DATABASE_URL", urls[0])
    with Workbench(urls[0], clock, target_url=urls[1]) as bus:
        bus.log(new_task({"name": "Ada"}, external_id="1"))
        bus.process()
    copies = tmp_path / "bus.copy", tmp_path / "target.copy"
    assert db("backup", str(copies[0])).exit_code == 0
    assert db("backup", str(copies[1]), "--database-url", urls[1], "--json").exit_code == 0
    with Workbench(urls[0], clock, target_url=urls[1]) as bus:
        bus.log(new_task({"name": "Bob"}, external_id="2"))
        bus.process()
    assert db("restore", str(copies[0]), "--force").exit_code == 0
    shutil.copy(copies[1], target)
    monkeypatch.setenv("INTEGRATIONBUS_TARGET_URL", urls[1])
    refused = CliRunner().invoke(app, ["serve", "--listen", "127.0.0.1:0"])
    assert (refused.exit_code, "put back as they were at one moment: integrationbus db adopt" in refused.stderr) == (
        1,
        True,
    )
    adopted = db("adopt")
    assert (adopted.exit_code, "the target belongs to the bus" in adopted.stdout) == (0, True), adopted.output
    with Workbench(urls[0], clock, target_url=urls[1]) as bus:
        assert bus.names("test.person") == ["Ada"]
        bus.log(new_task({"name": "Cy", "boss_id": "1"}, external_id="2"))
        assert bus.process().counts.succeeded == 1
        in_use = db("adopt")
        assert (in_use.exit_code, "is in use by process" in in_use.stderr) == (1, True)


def test_only_a_target_is_adopted(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    queue, other = f"sqlite:///{tmp_path / 'bus.db'}", f"sqlite:///{tmp_path / 'other.db'}"
    for url in (queue, other):
        with Workbench(url, clock):
            pass
    monkeypatch.setenv("INTEGRATIONBUS_DATABASE_URL", queue)
    for target, says in (
        (other, "it was never a target"),
        (queue, "must be another database"),
        (f"sqlite:///{tmp_path / 'nothing.db'}", "there is no database"),
        ("nonsense", "must be a URL"),
    ):
        refused = db("adopt", "--target-url", target)
        assert (refused.exit_code, says in refused.stderr) == (1, True), refused.stderr
    assert db("adopt").exit_code == 2
