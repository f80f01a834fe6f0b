"""A damaged SQLite file is refused, or whoever reads what is damaged is told so."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock
from typer.testing import CliRunner

from integrationbus.server.cli.commands import app
from integrationbus.server.errors import StoreUnavailable
from integrationbus.server.storage.integrity import DatabaseDamaged
from integrationbus.server.storage.opened import open_store


@pytest.fixture
def file(tmp_path: Path, clock: ManualClock) -> Path:
    """A database with a task, as a server leaves it that stopped in order."""
    path = tmp_path / "bus.db"
    with Workbench(f"sqlite:///{path}", clock) as bus:
        bus.log(new_task({"name": "Ada"}))
        bus.process()
    return path


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as database:
        database.seek((page - 1) * size)
        database.write(b"\xff" * 100)


def test_a_file_with_a_damaged_header_is_refused(file: Path) -> None:
    with file.open("r+b") as database:
        database.write(b"\xff" * 50)
    result = CliRunner().invoke(app, ["serve", "--database-url", f"sqlite:///{file}", "--listen", "127.0.0.1:0"])
    assert result.exit_code == 1
    assert "is damaged: file is not a database" in result.stderr
    assert "integrationbus db restore BACKUP --force" in result.stderr


def test_what_cannot_be_opened_is_refused_and_nothing_stays_locked(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "bus.db").mkdir()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="cannot be opened"):
            open_store(f"sqlite:///{tmp_path / 'bus.db'}", clock)


def test_after_a_crash_every_page_is_looked_at_before_anything_starts(
    file: Path, tmp_path: Path, clock: ManualClock
) -> None:
    crashed = tmp_path / "crashed.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE store_meta SET created_at = created_at + 1")
        connection.commit()
        # What a process that died leaves: the file and its log.
        for suffix in ("", "-wal"):
            shutil.copy(f"{file}{suffix}", f"{crashed}{suffix}")
    whole = tmp_path / "whole.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{crashed}{suffix}", f"{whole}{suffix}")
    open_store(f"sqlite:///{whole}", clock).close()
    damage(crashed, "task_action")
    for _ in range(2):
        with pytest.raises(DatabaseDamaged, match="is damaged"):
            open_store(f"sqlite:///{crashed}", clock)


def test_whoever_reads_what_is_damaged_is_told_so(file: Path, clock: ManualClock) -> None:
    damage(file, "task_attempt")
    with Workbench(f"sqlite:///{file}", clock) as bus:
        [task] = bus.all_tasks()
        with pytest.raises(StoreUnavailable, match="the database is damaged"):
            bus.store.attempts(task.id)
