"""Waiting for keys, operator actions, switches and streams; sites of users, order and workflow of pages."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TASK = (["connector_id", "sequence"], ["task.connector_id", "task.sequence"])

_OLD_TYPES, _NEW_TYPES = "1, 2, 3, 11, 12, 13", "1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16, 17, 18"

# What the checks of a table allowed before, and what they allow now.
_CHECKS = {
    "task": {
        "task_type": (f"task_type IN ({_OLD_TYPES})", f"task_type IN ({_NEW_TYPES})"),
        "data_type": ("data_type IN (1, 2)", "data_type IN (1, 2, 3)"),
        "state": ("state IN (1, 2, 3, 4, 5, 6, 7)", "state IN (1, 2, 3, 4, 5, 6, 7, 8)"),
        "final_is_out_of_line": ("state NOT IN (4, 7) OR NOT in_line", "state NOT IN (4, 7, 8) OR NOT in_line"),
    },
    "run": {"state": ("state IN (1, 2, 3, 4, 5)", "state IN (1, 2, 3, 4, 5, 6)")},
}

_ADDED: dict[str, tuple[sa.Column[Any], ...]] = {
    "connector": (
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("disabled_by", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("disable_reason", sa.String(length=255), nullable=False, server_default=""),
    ),
    "connector_head": (sa.Column("waiting", sa.BigInteger(), nullable=False, server_default="0"),),
    "task": (
        sa.Column("touched", sa.Text(), nullable=True),
        sa.Column("missing_key", sa.SmallInteger(), nullable=True),
        sa.Column("wait_limit", sa.BigInteger(), nullable=True),
        sa.Column("wait_deadline", sa.BigInteger(), nullable=True),
        sa.Column("turn", sa.SmallInteger(), nullable=False, server_default="0"),
    ),
    "task_event": (sa.Column("touched", sa.Text(), nullable=True),),
    "run": (
        sa.Column("waiting", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("cancelled_by", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("cancel_reason", sa.String(length=255), nullable=False, server_default=""),
    ),
    "cms_tree": (sa.Column("node_order", sa.Integer(), nullable=False, server_default="0"),),
    "cms_page": (
        sa.Column("document_workflow_step", sa.String(length=20), nullable=False, server_default="published"),
    ),
}

_CALLED = sa.text("turn > 0")
_LIMITED_WAIT = sa.text("state = 8 AND wait_deadline IS NOT NULL")


def upgrade() -> None:
    """Add what is new, and let the checks know of the new values. Existing pages are ordered by their age."""
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)
    _replace_checks(old=0, new=1)
    op.create_index(
        "ix_task_turn", "task", ["connector_id", "sequence"], sqlite_where=_CALLED, postgresql_where=_CALLED
    )
    op.create_index(
        "ix_task_wait_deadline",
        "task",
        ["connector_id", "wait_deadline"],
        sqlite_where=_LIMITED_WAIT,
        postgresql_where=_LIMITED_WAIT,
    )
    op.create_table(
        "switch",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch")),
    )
    op.create_table(
        "task_wait",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=1200), nullable=False),
        sa.Column("external_id", sa.String(length=1000), nullable=False),
        sa.Column("attribute", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(*_TASK, name=op.f("fk_task_wait_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", "sequence", "object_type", "name", name=op.f("pk_task_wait")),
    )
    op.create_index(op.f("ix_task_wait_object_type_name"), "task_wait", ["object_type", "name"])
    op.create_table(
        "task_subject",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=1200), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(*_TASK, name=op.f("fk_task_subject_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", "object_type", "name", "sequence", name=op.f("pk_task_subject")),
    )
    op.create_index(op.f("ix_task_subject_connector_id_sequence"), "task_subject", ["connector_id", "sequence"])
    op.create_table(
        "task_action",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(*_TASK, name=op.f("fk_task_action_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", "sequence", "position", name=op.f("pk_task_action")),
    )
    op.create_table(
        "log_stream",
        sa.Column("creator", sa.String(length=100), nullable=False),
        sa.Column("stream_id", sa.String(length=64), nullable=False),
        sa.Column("settled_number", sa.BigInteger(), nullable=False),
        sa.Column("rejections", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("creator", "stream_id", name=op.f("pk_log_stream")),
    )
    op.create_table(
        "cms_user_site",
        sa.Column("user_site_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["cms_site.site_id"], name=op.f("fk_cms_user_site_site_id")),
        sa.ForeignKeyConstraint(["user_id"], ["cms_user.user_id"], name=op.f("fk_cms_user_site_user_id")),
        sa.PrimaryKeyConstraint("user_site_id", name=op.f("pk_cms_user_site")),
        sa.UniqueConstraint("user_id", "site_id", name=op.f("uq_cms_user_site_user_id_site_id")),
    )
    op.create_index(op.f("ix_cms_user_site_site_id"), "cms_user_site", ["site_id"])
    switch = sa.table("switch", *(sa.column(name) for name in ("id", "is_on", "changed_by", "reason")))
    op.bulk_insert(switch, [{"id": number, "is_on": True, "changed_by": "", "reason": ""} for number in (1, 2, 3)])
    op.execute(
        "UPDATE cms_tree SET node_order = (SELECT count(*) FROM cms_tree AS sibling"
        " WHERE sibling.node_site_id = cms_tree.node_site_id AND sibling.node_id <= cms_tree.node_id"
        " AND coalesce(sibling.node_parent_id, 0) = coalesce(cms_tree.node_parent_id, 0))"
    )


def downgrade() -> None:
    """Drop what is new. Fails when rows hold values that the old checks do not know."""
    for table in ("cms_user_site", "log_stream", "task_action", "task_subject", "task_wait", "switch"):
        op.drop_table(table)
    for index in ("ix_task_wait_deadline", "ix_task_turn"):
        op.drop_index(index, table_name="task")
    _replace_checks(old=1, new=0)
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)


def _replace_checks(*, old: int, new: int) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, checks in _CHECKS.items():
            for name, versions in checks.items():
                op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
                op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, versions[new])
        return
    # SQLite has no statement for it, and copying the table would take as long as the queue is deep. Its documentation
    # names this way for changes that leave the stored rows as they are.
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for table, checks in _CHECKS.items():
        for versions in checks.values():
            changed = connection.execute(
                sa.text(
                    "UPDATE sqlite_schema SET sql = replace(sql, :old, :new)"
                    " WHERE type = 'table' AND name = :name AND instr(sql, :old) > 0"
                ),
                {"old": f"({versions[old]})", "new": f"({versions[new]})", "name": table},
            )
            assert changed.rowcount == 1, f"the check {versions[old]} of {table} is not there"
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")
