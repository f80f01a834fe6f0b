"""Users, who are common to all sites."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.cms.defaults import now, same_as
from integrationbus.connectors.models import BaseInfo, TypeInfo
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = ["UserInfo"]


class UserInfo(BaseInfo):
    """A user. There is no password here: users who come from elsewhere are authenticated elsewhere."""

    __tablename__ = "cms_user"
    type_info = TypeInfo(object_type="cms.user", code_name="user_name", guid="user_guid", display_name="full_name")

    user_id: Mapped[int] = mapped_column(primary_key=True)
    user_guid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    user_name: Mapped[str] = mapped_column(String(254), unique=True)
    full_name: Mapped[str] = mapped_column(String(450), default=same_as("user_name"))
    first_name: Mapped[str] = mapped_column(String(100), default="")
    last_name: Mapped[str] = mapped_column(String(100), default="")
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    user_enabled: Mapped[bool] = mapped_column(default=True)
    user_created: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    preferred_culture_code: Mapped[str | None] = mapped_column(String(20))
