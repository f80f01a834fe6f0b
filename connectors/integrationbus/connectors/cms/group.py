"""Groups: communities within a site."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import now, same_as
from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = ["GroupInfo"]


class GroupInfo(BaseInfo):
    """A group of a site; it may have forums of its own."""

    __tablename__ = "community_group"
    __table_args__ = (UniqueConstraint("group_site_id", "group_name"),)
    type_info = TypeInfo(
        object_type="community.group",
        code_name="group_name",
        guid="group_guid",
        site="group_site_id",
        display_name="group_display_name",
    )

    group_id: Mapped[int] = mapped_column(primary_key=True)
    group_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    group_name: Mapped[str] = mapped_column(String(100))
    group_display_name: Mapped[str] = mapped_column(String(200), default=same_as("group_name"))
    group_description: Mapped[str] = mapped_column(Text, default="")
    group_created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    group_site_id: Mapped[int] = foreign_key("cms_site.site_id", Dependency.REQUIRED)
