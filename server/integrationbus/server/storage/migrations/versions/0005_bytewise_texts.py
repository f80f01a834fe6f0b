"""Texts are compared byte by byte on PostgreSQL, and SQLite finds the line by its index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = (
    "store_meta",
    "connector",
    "switch",
    "lease",
    "replica",
    "task",
    "task_wait",
    "task_subject",
    "task_action",
    "task_attempt",
    "task_event",
    "run",
    "run_request",
    "request",
    "log_stream",
    "key_map",
)


def upgrade() -> None:
    """Let the order of texts be the same on every database, whatever the language of the database is."""
    if op.get_bind().dialect.name == "postgresql":
        _collate("C")
    else:
        _index_the_line("in_line = 1")


def downgrade() -> None:
    """Go back to the language of the database."""
    if op.get_bind().dialect.name == "postgresql":
        _collate("default")
    else:
        _index_the_line("in_line")


def _collate(name: str) -> None:
    for table in _TABLES:
        changes = []
        for column in sa.inspect(op.get_bind()).get_columns(table):
            kind = column["type"]
            if isinstance(kind, sa.String):
                stored = "TEXT" if kind.length is None else f"VARCHAR({kind.length})"
                changes.append(f'ALTER COLUMN "{column["name"]}" TYPE {stored} COLLATE "{name}"')
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")


def _index_the_line(condition: str) -> None:
    # SQLite uses an index of a part for a query that says the same condition in the same words.
    op.drop_index("ix_task_line", table_name="task")
    op.create_index("ix_task_line", "task", ["connector_id", "sequence"], sqlite_where=sa.text(condition))
