"""Retention: since when tasks are settled, what was purged, and the indexes by which it is found."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SETTLED = sa.text("settled_at IS NOT NULL")

_PURGED = ("purged_sequence", "purged_succeeded", "purged_failed", "purged_skipped", "purged_deleted")

_ADDED: dict[str, tuple[sa.Column[Any], ...]] = {
    "connector_head": tuple(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in _PURGED),
    "task": (sa.Column("settled_at", sa.BigInteger(), nullable=True),),
}


def upgrade() -> None:
    """Add what is new. Tasks that are settled already are so since their newest change."""
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.execute(
        "UPDATE task SET settled_at = coalesce((SELECT occurred_at FROM task_event"
        " WHERE task_event.connector_id = task.connector_id AND task_event.position = task.position), logged_at)"
        " WHERE NOT in_line AND state IN (4, 5, 6, 7)"
    )
    op.create_index(
        "ix_task_settled",
        "task",
        ["connector_id", "state", "settled_at"],
        sqlite_where=_SETTLED,
        postgresql_where=_SETTLED,
    )
    op.create_index(op.f("ix_run_ended_at"), "run", ["ended_at"])
    op.create_index(op.f("ix_request_stored_at"), "request", ["stored_at"])


def downgrade() -> None:
    """Drop what is new. How many tasks were purged is forgotten, and so the gaps in their sequences go unexplained."""
    op.drop_index(op.f("ix_request_stored_at"), table_name="request")
    op.drop_index(op.f("ix_run_ended_at"), table_name="run")
    op.drop_index("ix_task_settled", table_name="task")
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
