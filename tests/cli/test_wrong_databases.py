"""What a server and ``integrationbus db`` say of a database or a setting that is a mistake, without a traceback."""

import sys
from pathlib import Path

import pytest
from support.clocks import ManualClock
from support.served import serve
from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app
from integrationbus.server.storage.opened import open_store
from integrationbus.server.target_database import open_target

NO_DRIVER = "pip install 'integrationbus[postgres]'"


def run(*arguments: str, url: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--database-url", url])


def refused(result: Result) -> str:
    """What a command says that ended with 1 in order."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (1, "")
    assert "sqlalche.me" not in result.stderr
    return result.stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LEASE_SECONDS", "soon", "lease_seconds (INTEGRATIONBUS_LEASE_SECONDS): Input should be a valid number"),
        ("SIGNALS", "maybe", "signals (INTEGRATIONBUS_SIGNALS): Input should be a valid boolean"),
        ("RETAIN_RUNS", "2 weeks", "retain_runs (INTEGRATIONBUS_RETAIN_RUNS): '2 weeks' is no duration"),
        ("RETAIN_EVENTS", "60 days", "\n  changes are kept 60 days, longer than succeeded tasks"),
        ("RETAIN_EVENTS", "60 days", "make retain_events shorter, or retain_succeeded longer"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_as_it_is_set(
    name: str, value: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"INTEGRATIONBUS_{name}", value)
    assert says in refused(run("serve", url=f"sqlite:///{tmp_path / 'bus.db'}"))


def test_variables_that_nobody_reads_are_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("RETAIN_SUCCEDED", "RETAIN_FAILED", "SERVER", "FAILPOINTS", "TEST_POSTGRES_URL", "log_level"):
        monkeypatch.setenv(f"INTEGRATIONBUS_{name}", "")
    monkeypatch.setenv("INTEGRATIONBUS_log_level", "info")
    refused(run("serve", url=f"sqlite:///{tmp_path}"))
    [warning] = [record.getMessage() for record in caplog.records if "nobody reads" in record.getMessage()]
    assert warning.endswith(": INTEGRATIONBUS_RETAIN_SUCCEDED")


@pytest.mark.parametrize(
    "command", [("serve",), ("db", "check"), ("db", "current"), ("db", "upgrade"), ("db", "purge"), ("db", "restamp")]
)
def test_a_file_that_is_none_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no database at all, " * 100)
    says = refused(run(*command, url=f"sqlite:///{notes}"))
    assert f"{notes} is damaged: file is not a database. Name another file" in says
    assert f"{tmp_path} cannot be opened: it is a folder" in refused(run(*command, url=f"sqlite:///{tmp_path}"))


async def test_the_schema_is_looked_at_while_a_server_works_on_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    async with serve(url, []):
        assert run("db", "check", url=url).exit_code == 0


@pytest.mark.parametrize("command", ["check", "purge", "restamp"])
def test_a_file_that_is_not_there_is_not_made(command: str, tmp_path: Path) -> None:
    assert "there is no database" in refused(run("db", command, url=f"sqlite:///{tmp_path / 'sub' / 'bus.db'}"))
    assert list(tmp_path.iterdir()) == []


def test_an_upgrade_makes_the_folder_as_a_server_does(tmp_path: Path) -> None:
    assert run("db", "upgrade", url=f"sqlite:///{tmp_path / 'sub' / 'bus.db'}").exit_code == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.txt").touch()
    below_a_file = f"sqlite:///{tmp_path / 'notes.txt' / 'bus.db'}"
    assert "notes.txt" in refused(run("serve", url=below_a_file))
    monkeypatch.setenv("INTEGRATIONBUS_TARGET_URL", below_a_file)
    says = refused(run("serve", url=f"sqlite:///{tmp_path / 'bus.db'}"))
    assert "target_url: " in says
    assert "notes.txt" in says


def test_what_is_no_database_is_neither_backed_up_nor_restored(tmp_path: Path) -> None:
    notes, copy, url = tmp_path / "notes.txt", tmp_path / "copy.db", f"sqlite:///{tmp_path / 'bus.db'}"
    notes.write_text("no database at all, " * 100)
    says = refused(run("db", "backup", str(copy), url=f"sqlite:///{notes}"))
    assert says == f"integrationbus: {notes} cannot be copied: file is not a database\n"
    assert not copy.exists()
    says = refused(run("db", "restore", str(notes), url=url))
    assert says == f"integrationbus: {notes} is damaged: file is not a database\n", "the advice is to do just that"


@pytest.mark.parametrize("url", ["postgresql://bus:geheim@host:port/bus", "bus:geheim@host/bus"])
@pytest.mark.parametrize("command", [("serve",), ("db", "check")])
def test_what_is_no_url_is_refused_without_its_password(command: tuple[str, ...], url: str) -> None:
    says = refused(run(*command, url=url))
    assert "must be a URL" in says
    assert "geheim" not in says


@pytest.mark.parametrize("command", [("serve",), ("db", "check")])
def test_without_the_driver_the_way_to_get_it_is_said(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert NO_DRIVER in refused(run(*command, url="postgresql://127.0.0.1:1/bus"))


def test_the_target_of_a_bus_is_not_taken_for_its_queue(tmp_path: Path, clock: ManualClock) -> None:
    queue, target = (f"sqlite:///{tmp_path / name}" for name in ("bus.db", "target.db"))
    opened = open_store(queue, clock)
    open_target(opened, target).close()
    opened.close()
    for command in (("serve",), ("db", "upgrade")):
        assert "holds the objects of a bus: name the one that has its tasks" in refused(run(*command, url=target))


async def test_a_database_gets_no_new_id_under_a_server(postgres_url: str) -> None:
    async with serve(postgres_url, []):
        assert "servers still work on the database (1 on record): stop them" in refused(
            run("db", "restamp", url=postgres_url)
        )
    assert run("db", "restamp", url=postgres_url).exit_code == 0
