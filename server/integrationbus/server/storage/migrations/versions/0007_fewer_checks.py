"""PostgreSQL no longer looks for the task, or the connector, of each row that a task brings."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEYS = {
    "task": ("fk_task_connector_id", ["connector_id"], "connector", ["id"]),
    "key_map": ("fk_key_map_connector_id", ["connector_id"], "connector", ["id"]),
    "task_attempt": (
        "fk_task_attempt_connector_id_sequence",
        ["connector_id", "sequence"],
        "task",
        ["connector_id", "sequence"],
    ),
    "applied": ("fk_applied_connector_id_sequence", ["connector_id", "sequence"], "task", ["connector_id", "sequence"]),
}


def upgrade() -> None:
    """Drop the keys: each cost a look at another row, and a lock on it."""
    if op.get_bind().dialect.name == "postgresql":
        for table, (name, *_) in _KEYS.items():
            op.drop_constraint(name, table, type_="foreignkey")


def downgrade() -> None:
    """Check them again."""
    if op.get_bind().dialect.name == "postgresql":
        for table, (name, columns, other, keys) in _KEYS.items():
            op.create_foreign_key(name, table, other, columns, keys)
