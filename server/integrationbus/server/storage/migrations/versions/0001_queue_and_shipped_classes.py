"""The tables of the queue, and those of the shipped classes."""

import time
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything, and give the store its identity."""
    op.create_table(
        "connector",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("class_path", sa.String(length=500), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("paused_by", sa.String(length=100), nullable=False),
        sa.Column("pause_reason", sa.String(length=255), nullable=False),
        sa.Column("halted_sequence", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector")),
        sa.UniqueConstraint("name", name=op.f("uq_connector_name")),
    )
    op.create_table(
        "request",
        sa.Column("creator", sa.String(length=100), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("creator", "request_id", name=op.f("pk_request")),
    )
    op.create_table(
        "store_meta",
        sa.Column("store_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_store_meta")),
    )
    op.create_table(
        "task_event",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("previous_state", sa.SmallInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("effect", sa.SmallInteger(), nullable=True),
        sa.Column("result_type", sa.String(length=200), nullable=True),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connector_id", "position", name=op.f("pk_task_event")),
    )
    op.create_table(
        "connector_head",
        sa.Column("connector_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("feed_floor", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("running", sa.BigInteger(), nullable=False),
        sa.Column("retry_wait", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_connector_head_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_connector_head")),
    )
    op.create_table(
        "key_map",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=200), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_key_map_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", "object_type", "external_id", name=op.f("pk_key_map")),
    )
    op.create_index(op.f("ix_key_map_object_type_object_id"), "key_map", ["object_type", "object_id"], unique=False)
    op.create_table(
        "lease",
        sa.Column("connector_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_lease_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_lease")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("succeeded", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=False),
        sa.Column("retried", sa.BigInteger(), nullable=False),
        sa.Column("halted_by", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 1) = (ended_at IS NULL)", name=op.f("ck_run_ended_is_final")),
        sa.CheckConstraint("state IN (1, 2, 3, 4, 5)", name=op.f("ck_run_state")),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_run_connector_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_connector_id_id"), "run", ["connector_id", "id"], unique=False)
    op.create_index(
        "ix_run_open",
        "run",
        ["connector_id"],
        unique=False,
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )
    op.create_table(
        "task",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("task_type", sa.SmallInteger(), nullable=False),
        sa.Column("data_type", sa.SmallInteger(), nullable=False),
        sa.Column("process_type", sa.SmallInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=200), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("labels", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("creator", sa.String(length=100), nullable=False),
        sa.Column("trace_parent", sa.String(length=55), nullable=False),
        sa.Column("payload_form", sa.SmallInteger(), nullable=False),
        sa.Column("payload_type", sa.String(length=255), nullable=False),
        sa.Column("payload_schema", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("logged_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("in_line", sa.Boolean(), nullable=False),
        sa.Column("passed_over", sa.Boolean(), nullable=False),
        sa.Column("isolated", sa.Boolean(), nullable=False),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("crash_count", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("effect", sa.SmallInteger(), nullable=True),
        sa.Column("result_type", sa.String(length=200), nullable=True),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 4) = (effect IS NOT NULL)", name=op.f("ck_task_succeeded_has_effect")),
        sa.CheckConstraint("data_type IN (1, 2)", name=op.f("ck_task_data_type")),
        sa.CheckConstraint("process_type IN (1, 2, 3, 4)", name=op.f("ck_task_process_type")),
        sa.CheckConstraint("sequence > 0 AND position > 0", name=op.f("ck_task_counted_from_one")),
        sa.CheckConstraint("state IN (1, 2, 3, 4, 5, 6, 7)", name=op.f("ck_task_state")),
        sa.CheckConstraint("state NOT IN (1, 2, 3) OR in_line", name=op.f("ck_task_open_is_in_line")),
        sa.CheckConstraint("state NOT IN (3, 5) OR error IS NOT NULL", name=op.f("ck_task_failed_has_error")),
        sa.CheckConstraint("state NOT IN (4, 7) OR NOT in_line", name=op.f("ck_task_final_is_out_of_line")),
        sa.CheckConstraint("task_type IN (1, 2, 3, 11, 12, 13)", name=op.f("ck_task_task_type")),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"], name=op.f("fk_task_connector_id")),
        sa.PrimaryKeyConstraint("connector_id", "sequence", name=op.f("pk_task")),
        sa.UniqueConstraint("id", name=op.f("uq_task_id")),
    )
    op.create_index(
        "ix_task_line",
        "task",
        ["connector_id", "sequence"],
        unique=False,
        sqlite_where=sa.text("in_line"),
        postgresql_where=sa.text("in_line"),
    )
    op.create_table(
        "applied",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_id", "sequence"],
            ["task.connector_id", "task.sequence"],
            name=op.f("fk_applied_connector_id_sequence"),
        ),
        sa.PrimaryKeyConstraint("connector_id", "sequence", name=op.f("pk_applied")),
        sa.UniqueConstraint("connector_id", "position", name=op.f("uq_applied_connector_id_position")),
    )
    op.create_table(
        "task_attempt",
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("ck_task_attempt_ended_has_outcome")),
        sa.ForeignKeyConstraint(
            ["connector_id", "sequence"],
            ["task.connector_id", "task.sequence"],
            name=op.f("fk_task_attempt_connector_id_sequence"),
        ),
        sa.PrimaryKeyConstraint("connector_id", "sequence", "number", name=op.f("pk_task_attempt")),
    )
    op.create_table(
        "cms_site",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("site_guid", sa.Uuid(), nullable=False),
        sa.Column("site_name", sa.String(length=100), nullable=False),
        sa.Column("site_display_name", sa.String(length=200), nullable=False),
        sa.Column("site_description", sa.Text(), nullable=False),
        sa.Column("site_domain_name", sa.String(length=400), nullable=False),
        sa.Column("site_default_culture", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_cms_site")),
        sa.UniqueConstraint("site_guid", name=op.f("uq_cms_site_site_guid")),
        sa.UniqueConstraint("site_name", name=op.f("uq_cms_site_site_name")),
    )
    op.create_table(
        "cms_user",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_guid", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=254), nullable=False),
        sa.Column("full_name", sa.String(length=450), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("user_enabled", sa.Boolean(), nullable=False),
        sa.Column("user_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("preferred_culture_code", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_cms_user")),
        sa.UniqueConstraint("user_guid", name=op.f("uq_cms_user_user_guid")),
        sa.UniqueConstraint("user_name", name=op.f("uq_cms_user_user_name")),
    )
    op.create_index(op.f("ix_cms_user_email"), "cms_user", ["email"], unique=False)
    op.create_table(
        "cms_role",
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("role_guid", sa.Uuid(), nullable=False),
        sa.Column("role_name", sa.String(length=100), nullable=False),
        sa.Column("role_display_name", sa.String(length=200), nullable=False),
        sa.Column("role_description", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["cms_site.site_id"], name=op.f("fk_cms_role_site_id")),
        sa.PrimaryKeyConstraint("role_id", name=op.f("pk_cms_role")),
        sa.UniqueConstraint("role_guid", name=op.f("uq_cms_role_role_guid")),
        sa.UniqueConstraint("site_id", "role_name", name=op.f("uq_cms_role_site_id_role_name")),
    )
    op.create_index(
        "uq_cms_role_global_role_name",
        "cms_role",
        ["role_name"],
        unique=True,
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.create_table(
        "cms_tree",
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("node_guid", sa.Uuid(), nullable=False),
        sa.Column("node_site_id", sa.Integer(), nullable=False),
        sa.Column("node_parent_id", sa.Integer(), nullable=True),
        sa.Column("node_class", sa.String(length=200), nullable=False),
        sa.Column("node_alias", sa.String(length=200), nullable=False),
        sa.Column("node_alias_path", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["node_parent_id"], ["cms_tree.node_id"], name=op.f("fk_cms_tree_node_parent_id")),
        sa.ForeignKeyConstraint(["node_site_id"], ["cms_site.site_id"], name=op.f("fk_cms_tree_node_site_id")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_cms_tree")),
        sa.UniqueConstraint("node_guid", name=op.f("uq_cms_tree_node_guid")),
        sa.UniqueConstraint("node_site_id", "node_alias_path", name=op.f("uq_cms_tree_node_site_id_node_alias_path")),
    )
    op.create_index(op.f("ix_cms_tree_node_parent_id"), "cms_tree", ["node_parent_id"], unique=False)
    op.create_table(
        "community_group",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("group_guid", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(length=100), nullable=False),
        sa.Column("group_display_name", sa.String(length=200), nullable=False),
        sa.Column("group_description", sa.Text(), nullable=False),
        sa.Column("group_created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("group_site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_site_id"], ["cms_site.site_id"], name=op.f("fk_community_group_group_site_id")),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_community_group")),
        sa.UniqueConstraint("group_guid", name=op.f("uq_community_group_group_guid")),
        sa.UniqueConstraint("group_site_id", "group_name", name=op.f("uq_community_group_group_site_id_group_name")),
    )
    op.create_table(
        "cms_page",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("document_node_id", sa.Integer(), nullable=False),
        sa.Column("document_culture", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_node_id"], ["cms_tree.node_id"], name=op.f("fk_cms_page_document_node_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_cms_page")),
        sa.UniqueConstraint(
            "document_node_id", "document_culture", name=op.f("uq_cms_page_document_node_id_document_culture")
        ),
    )
    op.create_table(
        "cms_user_role",
        sa.Column("user_role_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["cms_role.role_id"], name=op.f("fk_cms_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["cms_user.user_id"], name=op.f("fk_cms_user_role_user_id")),
        sa.PrimaryKeyConstraint("user_role_id", name=op.f("pk_cms_user_role")),
        sa.UniqueConstraint("user_id", "role_id", name=op.f("uq_cms_user_role_user_id_role_id")),
    )
    op.create_index(op.f("ix_cms_user_role_role_id"), "cms_user_role", ["role_id"], unique=False)
    op.create_table(
        "forums_forum",
        sa.Column("forum_id", sa.Integer(), nullable=False),
        sa.Column("forum_guid", sa.Uuid(), nullable=False),
        sa.Column("forum_name", sa.String(length=200), nullable=False),
        sa.Column("forum_display_name", sa.String(length=200), nullable=False),
        sa.Column("forum_description", sa.Text(), nullable=False),
        sa.Column("forum_open", sa.Boolean(), nullable=False),
        sa.Column("forum_site_id", sa.Integer(), nullable=False),
        sa.Column("forum_group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["forum_group_id"], ["community_group.group_id"], name=op.f("fk_forums_forum_forum_group_id")
        ),
        sa.ForeignKeyConstraint(["forum_site_id"], ["cms_site.site_id"], name=op.f("fk_forums_forum_forum_site_id")),
        sa.PrimaryKeyConstraint("forum_id", name=op.f("pk_forums_forum")),
        sa.UniqueConstraint("forum_guid", name=op.f("uq_forums_forum_forum_guid")),
        sa.UniqueConstraint("forum_site_id", "forum_name", name=op.f("uq_forums_forum_forum_site_id_forum_name")),
    )
    op.create_index(op.f("ix_forums_forum_forum_group_id"), "forums_forum", ["forum_group_id"], unique=False)
    op.create_table(
        "forums_forum_post",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("post_guid", sa.Uuid(), nullable=False),
        sa.Column("post_subject", sa.String(length=450), nullable=False),
        sa.Column("post_text", sa.Text(), nullable=False),
        sa.Column("post_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("post_approved", sa.Boolean(), nullable=False),
        sa.Column("post_forum_id", sa.Integer(), nullable=False),
        sa.Column("post_parent_id", sa.Integer(), nullable=True),
        sa.Column("post_user_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["post_forum_id"], ["forums_forum.forum_id"], name=op.f("fk_forums_forum_post_post_forum_id")
        ),
        sa.ForeignKeyConstraint(
            ["post_parent_id"], ["forums_forum_post.post_id"], name=op.f("fk_forums_forum_post_post_parent_id")
        ),
        sa.ForeignKeyConstraint(["post_user_id"], ["cms_user.user_id"], name=op.f("fk_forums_forum_post_post_user_id")),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_forums_forum_post")),
        sa.UniqueConstraint("post_guid", name=op.f("uq_forums_forum_post_post_guid")),
    )
    op.create_index(op.f("ix_forums_forum_post_post_forum_id"), "forums_forum_post", ["post_forum_id"], unique=False)
    op.create_index(op.f("ix_forums_forum_post_post_parent_id"), "forums_forum_post", ["post_parent_id"], unique=False)
    op.create_index(op.f("ix_forums_forum_post_post_user_id"), "forums_forum_post", ["post_user_id"], unique=False)
    store_meta = sa.table("store_meta", sa.column("store_id", sa.String), sa.column("created_at", sa.BigInteger))
    op.bulk_insert(store_meta, [{"store_id": str(uuid4()), "created_at": time.time_ns() // 1000}])


def downgrade() -> None:
    """Drop everything."""
    op.drop_index(op.f("ix_forums_forum_post_post_user_id"), table_name="forums_forum_post")
    op.drop_index(op.f("ix_forums_forum_post_post_parent_id"), table_name="forums_forum_post")
    op.drop_index(op.f("ix_forums_forum_post_post_forum_id"), table_name="forums_forum_post")
    op.drop_table("forums_forum_post")
    op.drop_index(op.f("ix_forums_forum_forum_group_id"), table_name="forums_forum")
    op.drop_table("forums_forum")
    op.drop_index(op.f("ix_cms_user_role_role_id"), table_name="cms_user_role")
    op.drop_table("cms_user_role")
    op.drop_table("cms_page")
    op.drop_table("community_group")
    op.drop_index(op.f("ix_cms_tree_node_parent_id"), table_name="cms_tree")
    op.drop_table("cms_tree")
    op.drop_index(
        "uq_cms_role_global_role_name",
        table_name="cms_role",
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.drop_table("cms_role")
    op.drop_index(op.f("ix_cms_user_email"), table_name="cms_user")
    op.drop_table("cms_user")
    op.drop_table("cms_site")
    op.drop_table("task_attempt")
    op.drop_table("applied")
    op.drop_index(
        "ix_task_line", table_name="task", sqlite_where=sa.text("in_line"), postgresql_where=sa.text("in_line")
    )
    op.drop_table("task")
    op.drop_index("ix_run_open", table_name="run")
    op.drop_index(op.f("ix_run_connector_id_id"), table_name="run")
    op.drop_table("run")
    op.drop_table("lease")
    op.drop_index(op.f("ix_key_map_object_type_object_id"), table_name="key_map")
    op.drop_table("key_map")
    op.drop_table("connector_head")
    op.drop_table("task_event")
    op.drop_table("store_meta")
    op.drop_table("request")
    op.drop_table("connector")
