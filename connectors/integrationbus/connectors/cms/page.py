"""A page class for everything that needs no class of its own."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.models import TreeNode, TypeInfo

__all__ = ["Page"]


class Page(TreeNode):
    """One culture version of a page with text."""

    __tablename__ = "cms_page"
    type_info = TypeInfo(object_type="cms.page", display_name="title")

    title: Mapped[str] = mapped_column(String(200), default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    content: Mapped[str] = mapped_column(Text, default="")
