"""The queue knows whether its objects are in a database of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody knows it yet: the next server that opens a target says it."""
    op.add_column("store_meta", sa.Column("target_apart", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("store_meta", "target_apart")
