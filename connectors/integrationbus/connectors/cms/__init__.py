"""The internal classes that come with the bus. Any connector may name them in its ``object_classes``."""

from integrationbus.connectors.cms.forum import ForumInfo
from integrationbus.connectors.cms.forum_post import ForumPostInfo
from integrationbus.connectors.cms.group import GroupInfo
from integrationbus.connectors.cms.page import Page
from integrationbus.connectors.cms.role import RoleInfo
from integrationbus.connectors.cms.site import SiteInfo
from integrationbus.connectors.cms.user import UserInfo
from integrationbus.connectors.cms.user_role import UserRoleInfo
from integrationbus.connectors.cms.user_site import UserSiteInfo
from integrationbus.connectors.models import BaseInfo, TreeNode

__all__ = [
    "SHIPPED_CLASSES",
    "ForumInfo",
    "ForumPostInfo",
    "GroupInfo",
    "Page",
    "RoleInfo",
    "SiteInfo",
    "UserInfo",
    "UserRoleInfo",
    "UserSiteInfo",
]

SHIPPED_CLASSES: tuple[type[BaseInfo | TreeNode], ...] = (
    SiteInfo,
    UserInfo,
    RoleInfo,
    UserRoleInfo,
    UserSiteInfo,
    GroupInfo,
    ForumInfo,
    ForumPostInfo,
    Page,
)
"""All of them, each after those that it refers to. The tree of pages, ``cms_tree``, belongs to the bus itself."""
