"""Which user has which role."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key

__all__ = ["UserRoleInfo"]


class UserRoleInfo(BaseInfo):
    """A binding: the user has the role. It is found by its two keys together."""

    __tablename__ = "cms_user_role"
    __table_args__ = (UniqueConstraint("user_id", "role_id"),)
    type_info = TypeInfo(object_type="cms.userrole")

    user_role_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = foreign_key("cms_user.user_id", Dependency.BINDING)
    role_id: Mapped[int] = foreign_key("cms_role.role_id", Dependency.BINDING, index=True)
