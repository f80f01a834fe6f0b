"""A connector whose classes have everything that a description shows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    Accepts,
    BaseInfo,
    Dependency,
    Every,
    ExactDecimal,
    IntegrationConnector,
    TaskDataType,
    TaskType,
    TypeInfo,
    foreign_key,
)
from integrationbus.connectors.cms import SiteInfo
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.examples.iso3166.v1.country_pb2 import Country

__all__ = ["ArticleInfo", "RenewedShopConnector", "ShelfInfo", "ShelfSiteInfo", "ShopConnector"]

ledger = Table("test_ledger", InternalObject.metadata, Column("ledger_id", Integer, primary_key=True))
"""A table that is of no class."""


class ShelfInfo(BaseInfo):
    """A shelf; the shelf "misc" stands in for missing ones."""

    __tablename__ = "test_shelf"
    type_info = TypeInfo(object_type="test.shelf", code_name="name", display_name="name")

    shelf_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class ArticleInfo(BaseInfo):
    """An article on a shelf, with a foreign key of each kind of target."""

    __tablename__ = "test_article"
    type_info = TypeInfo(
        object_type="test.article", guid="guid", parent="shelf_id", handling=SnapshotHandling.INCREMENTAL
    )

    article_id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[UUID] = mapped_column(default=uuid4)
    price: Mapped[Decimal] = mapped_column(ExactDecimal(10, 2))
    shelf_id: Mapped[int] = foreign_key("test_shelf.shelf_id", Dependency.REQUIRED)
    spare_shelf_id: Mapped[int | None] = foreign_key(
        "test_shelf.shelf_id", Dependency.REQUIRED_HAS_DEFAULT, default_code_name="misc"
    )
    page_id: Mapped[int | None] = foreign_key("cms_tree.node_id", Dependency.NOT_REQUIRED)
    ledger_id: Mapped[int | None] = foreign_key("test_ledger.ledger_id", Dependency.NOT_REQUIRED)


class ShelfSiteInfo(BaseInfo):
    """A binding: the shelf stands on the site."""

    __tablename__ = "test_shelf_site"
    type_info = TypeInfo(object_type="test.shelfsite", site="site_id")

    shelf_site_id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = foreign_key("test_shelf.shelf_id", Dependency.BINDING)
    site_id: Mapped[int] = foreign_key("cms_site.site_id", Dependency.BINDING)


class ShopConnector(IntegrationConnector):
    """Makes shelves, every hour."""

    name = "shop"
    object_classes = (ShelfInfo, ArticleInfo, ShelfSiteInfo, SiteInfo)
    accepts = Accepts(messages=(Country,))
    trigger = Every(timedelta(hours=1))

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> ShelfInfo:
        return ShelfInfo(name=obj["name"])


class RenewedShopConnector(ShopConnector):
    """A later version, which takes no messages any more."""

    accepts = Accepts()
