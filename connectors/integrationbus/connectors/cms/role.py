"""Roles: of one site, or of all."""

from uuid import UUID, uuid4

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import same_as
from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key

__all__ = ["RoleInfo"]

_GLOBAL = text("site_id IS NULL")


class RoleInfo(BaseInfo):
    """A role that users can have. Without a site it is a global role.

    The site is REQUIRED although it may be absent: a role of a site that cannot be found must not become global.
    """

    __tablename__ = "cms_role"
    __table_args__ = (
        UniqueConstraint("site_id", "role_name"),
        # Nulls are distinct in a unique constraint, so the names of global roles need one of their own.
        Index("uq_cms_role_global_role_name", "role_name", unique=True, sqlite_where=_GLOBAL, postgresql_where=_GLOBAL),
    )
    type_info = TypeInfo(
        object_type="cms.role",
        code_name="role_name",
        guid="role_guid",
        site="site_id",
        display_name="role_display_name",
    )

    role_id: Mapped[int] = mapped_column(primary_key=True)
    role_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    role_name: Mapped[str] = mapped_column(String(100))
    role_display_name: Mapped[str] = mapped_column(String(200), default=same_as("role_name"))
    role_description: Mapped[str] = mapped_column(Text, default="")
    site_id: Mapped[int | None] = foreign_key("cms_site.site_id", Dependency.REQUIRED)
