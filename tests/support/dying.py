"""A connector whose server dies once between the two commits, when a file says so."""

import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path

from integrationbus.server.claims import SettlingTransaction
from integrationbus.server.connector import Lease
from integrationbus.server.storage.sql_store import SqlStore
from support.people import PeopleConnector

__all__ = ["ORDER", "DyingConnector"]

ORDER = "TEST_DIE_WHEN_THERE_IS"
"""The variable that names the file."""

_settling = SqlStore.settling


def _die_or_settle(store: SqlStore, lease: Lease, run_id: str) -> AbstractContextManager[SettlingTransaction]:
    order = Path(os.environ[ORDER])
    if order.exists():
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return _settling(store, lease, run_id)


class DyingConnector(PeopleConnector):
    """The same people; making one changes the store of this process."""

    name = "dying"

    def __init__(self) -> None:
        super().__init__()
        SqlStore.settling = _die_or_settle  # type: ignore[method-assign,assignment] # the process is the test's own
