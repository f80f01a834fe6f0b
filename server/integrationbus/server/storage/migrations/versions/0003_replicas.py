"""Replicas on one database: who is there, and the runs that they leave for one another."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables. Leases of a server from before are free: it is not running, and would not renew them."""
    op.create_table(
        "replica",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connectors", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replica")),
    )
    op.create_table(
        "run_request",
        sa.Column("connector_id", _KEY, nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("trigger", sa.SmallInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("called_only", sa.Boolean(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_run_request_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_run_request")),
    )
    op.add_column("run", sa.Column("cancelled", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop what is new."""
    op.drop_column("run", "cancelled")
    op.drop_table("run_request")
    op.drop_table("replica")
