"""``integrationbus db``, and what a server says of a database that it cannot use."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app
from integrationbus.server.storage.database import open_database
from integrationbus.server.storage.migrate import newest_revision, upgrade


def db(*arguments: str, url: str) -> Result:
    return CliRunner().invoke(app, ["db", *arguments, "--database-url", url])


def test_the_schema_is_looked_at_and_migrated(empty_database_url: str) -> None:
    if empty_database_url.startswith("sqlite"):
        assert (db("check", url=empty_database_url).exit_code, db("current", url=empty_database_url).exit_code) == (
            1,
            1,
        )
        assert "there is no database" in db("check", url=empty_database_url).stderr
    database = open_database(empty_database_url)
    with database.write() as connection:
        upgrade(connection, "0001")
    found = db("check", url=empty_database_url)
    assert (found.exit_code, "Migrate it with: integrationbus db upgrade" in found.stdout) == (1, True)
    assert db("current", url=empty_database_url).stdout == "0001\n"
    assert json.loads(db("check", "--json", url=empty_database_url).stdout)["revision"] == "0001"
    upgraded = json.loads(db("upgrade", "--json", url=empty_database_url).stdout)
    assert (
        upgraded
        == json.loads(db("current", "--json", url=empty_database_url).stdout)
        == {"revision": newest_revision()}
    )
    assert db("check", url=empty_database_url).exit_code == 0
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    newer = db("check", url=empty_database_url)
    assert (newer.exit_code, "Install a newer version" in newer.stdout) == (1, True)
    for refused in (
        db("upgrade", url=empty_database_url),
        db("purge", url=empty_database_url),
        CliRunner().invoke(app, ["serve", "--database-url", empty_database_url, "--listen", "127.0.0.1:0"]),
    ):
        assert (refused.exit_code, "is at schema 9999" in refused.stderr) == (1, True)


def test_a_backup_is_never_written_over_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    assert db("upgrade", url=url).exit_code == 0
    assert db("backup", str(tmp_path / "copy.db"), url=url).exit_code == 0
    assert "exists already" in db("backup", str(tmp_path / "copy.db"), url=url).stderr
    assert "no folder" in db("backup", str(tmp_path / "nowhere" / "copy.db"), url=url).stderr


@pytest.mark.parametrize("command", ["check", "current", "upgrade", "purge", "restamp"])
def test_what_is_no_url_is_refused(command: str) -> None:
    refused = db(command, url="nonsense")
    assert refused.exit_code == 1
    assert "nonsense" in refused.stderr or "must be a URL" in refused.stderr
