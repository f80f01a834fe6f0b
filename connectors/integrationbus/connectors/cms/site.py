"""Sites: what roles, groups, forums and pages belong to."""

from uuid import UUID, uuid4

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import same_as
from integrationbus.connectors.models import BaseInfo, TypeInfo

__all__ = ["SiteInfo"]


class SiteInfo(BaseInfo):
    """A site. Its code name is what a task calls its ``site``."""

    __tablename__ = "cms_site"
    type_info = TypeInfo(
        object_type="cms.site", code_name="site_name", guid="site_guid", display_name="site_display_name"
    )

    site_id: Mapped[int] = mapped_column(primary_key=True)
    site_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    site_name: Mapped[str] = mapped_column(String(100), unique=True)
    site_display_name: Mapped[str] = mapped_column(String(200), default=same_as("site_name"))
    site_description: Mapped[str] = mapped_column(Text, default="")
    site_domain_name: Mapped[str] = mapped_column(String(400), default="")
    site_default_culture: Mapped[str] = mapped_column(String(20), default="en-US")
