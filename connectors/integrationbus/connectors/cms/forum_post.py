"""Posts in forums, and the answers to them."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import now
from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = ["ForumPostInfo"]


class ForumPostInfo(BaseInfo):
    """A post in a forum. It has no code name: it is found by its GUID, else by the external id of the task.

    An answer outlives the post that it answers, and a post outlives its author.
    """

    __tablename__ = "forums_forum_post"
    type_info = TypeInfo(
        object_type="forums.forumpost", guid="post_guid", parent="post_forum_id", display_name="post_subject"
    )

    post_id: Mapped[int] = mapped_column(primary_key=True)
    post_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    post_subject: Mapped[str] = mapped_column(String(450), default="")
    post_text: Mapped[str] = mapped_column(Text, default="")
    post_time: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    post_approved: Mapped[bool] = mapped_column(default=True)
    post_forum_id: Mapped[int] = foreign_key("forums_forum.forum_id", Dependency.REQUIRED, index=True)
    post_parent_id: Mapped[int | None] = foreign_key("forums_forum_post.post_id", Dependency.NOT_REQUIRED, index=True)
    post_user_id: Mapped[int | None] = foreign_key("cms_user.user_id", Dependency.NOT_REQUIRED, index=True)
