"""A connector whose objects have a column of every type, and a foreign key to a page."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    BaseInfo,
    Dependency,
    DocumentParams,
    ExactDecimal,
    IntegrationConnector,
    TaskDataType,
    TaskType,
    TypeInfo,
    UtcDateTime,
    foreign_key,
)
from integrationbus.connectors.cms import Page, SiteInfo

__all__ = ["PAGE_GUID", "SpecimenConnector", "SpecimenInfo"]

PAGE_GUID = UUID(int=7)


class SpecimenInfo(BaseInfo):
    """One column of each type."""

    __tablename__ = "test_specimen"
    type_info = TypeInfo(object_type="test.specimen", code_name="name", guid="guid")

    specimen_id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[UUID | None] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(10))
    yes: Mapped[bool | None]
    small: Mapped[int | None] = mapped_column(SmallInteger)
    big: Mapped[int | None] = mapped_column(BigInteger)
    ratio: Mapped[float | None]
    price: Mapped[Decimal | None] = mapped_column(ExactDecimal(20, 4))
    born: Mapped[date | None]
    seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    photo: Mapped[bytes | None]
    page_id: Mapped[int | None] = foreign_key("cms_tree.node_id", Dependency.REQUIRED)


class SpecimenConnector(IntegrationConnector):
    """Makes what the record says; pages are found by their GUID."""

    name = "specimen"
    object_classes = (SpecimenInfo, SiteInfo, Page)

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        fields = dict(obj)
        if isinstance(fields.get("born"), str):
            fields["born"] = date.fromisoformat(fields["born"])
        kind = fields.pop("make", "specimen")
        return {"specimen": SpecimenInfo, "site": SiteInfo, "page": Page}[kind](**fields)

    def get_internal_document_params(self, id: Any, class_name: str) -> DocumentParams | None:  # noqa: A002 - the SDK's
        assert class_name == "test.specimen"
        if id == "by external id":
            return None
        return DocumentParams(node_guid=PAGE_GUID, culture_code=str(id), site_name="main")
