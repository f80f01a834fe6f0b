"""A server that cannot join the others ends, and says why."""

import subprocess
import sys

from sqlalchemy import text
from support.bench import Workbench
from support.clocks import ManualClock


def test_a_server_that_cannot_take_its_share_ends(postgres_url: str, clock: ManualClock) -> None:
    """Its threads must not keep alive what serves nobody."""
    command = [sys.executable, "-m", "integrationbus.server.cli", "serve", "--listen", "127.0.0.1:0"]
    with Workbench(postgres_url, clock) as bus, bus.database.write() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("LOCK TABLE replica IN ACCESS EXCLUSIVE MODE"))
        ended = subprocess.run(
            [*command, "--database-url", postgres_url], capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1, ended.stderr
    assert "cannot serve" in ended.stderr
    assert "Traceback" not in ended.stderr.partition("cannot serve")[2]
