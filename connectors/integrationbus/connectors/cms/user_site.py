"""Which user belongs to which site."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key

__all__ = ["UserSiteInfo"]


class UserSiteInfo(BaseInfo):
    """A binding: the user belongs to the site. ADD_TO_SITE makes it, REMOVE_FROM_SITE deletes it."""

    __tablename__ = "cms_user_site"
    __table_args__ = (UniqueConstraint("user_id", "site_id"),)
    type_info = TypeInfo(object_type="cms.usersite", site="site_id")

    user_site_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = foreign_key("cms_user.user_id", Dependency.BINDING)
    site_id: Mapped[int] = foreign_key("cms_site.site_id", Dependency.BINDING, index=True)
