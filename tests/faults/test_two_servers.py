"""Two processes that want one SQLite file."""

from pathlib import Path

import pytest

from integrationbus.server.storage.file_lock import DatabaseInUse, FileLock


@pytest.mark.parametrize("link", ["link.db", "linked/bus.db"])
def test_a_database_is_one_database_by_whatever_link(tmp_path: Path, link: str) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "linked").symlink_to(real)
    (tmp_path / "link.db").symlink_to(real / "bus.db")
    first = FileLock(tmp_path / link)
    with pytest.raises(DatabaseInUse, match="is in use by process"):
        FileLock(real / "bus.db")
    first.release()
    FileLock(real / "bus.db").release()
