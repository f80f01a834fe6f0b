"""Forums: of a site, or of one of its groups."""

from uuid import UUID, uuid4

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import same_as
from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key

__all__ = ["ForumInfo"]


class ForumInfo(BaseInfo):
    """A forum, which holds posts.

    The group is REQUIRED although it may be absent: a forum of a group that cannot be found must not open to everybody.
    """

    __tablename__ = "forums_forum"
    __table_args__ = (UniqueConstraint("forum_site_id", "forum_name"),)
    type_info = TypeInfo(
        object_type="forums.forum",
        code_name="forum_name",
        guid="forum_guid",
        site="forum_site_id",
        group="forum_group_id",
        display_name="forum_display_name",
    )

    forum_id: Mapped[int] = mapped_column(primary_key=True)
    forum_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    forum_name: Mapped[str] = mapped_column(String(200))
    forum_display_name: Mapped[str] = mapped_column(String(200), default=same_as("forum_name"))
    forum_description: Mapped[str] = mapped_column(Text, default="")
    forum_open: Mapped[bool] = mapped_column(default=True)
    forum_site_id: Mapped[int] = foreign_key("cms_site.site_id", Dependency.REQUIRED)
    forum_group_id: Mapped[int | None] = foreign_key("community_group.group_id", Dependency.REQUIRED, index=True)
