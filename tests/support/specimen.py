"""A connector whose objects have a column of every type, and a foreign key to a page."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, Dialect, Enum, SmallInteger, String, TypeDecorator, Uuid
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


class Shouted(TypeDecorator[str]):
    """A type of the user's own: a text in capital letters, which may not be a whisper."""

    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value == "psst":
            raise ValueError("too quiet")
        return None if value is None else value.upper()


class RareInfo(BaseInfo):
    """Columns of types that are seldom seen, and with defaults that are functions."""

    __tablename__ = "test_rare"
    type_info = TypeInfo(object_type="test.rare", code_name="name")

    rare_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10))
    mark: Mapped[UUID] = mapped_column(default=uuid4)
    digits: Mapped[UUID | None] = mapped_column(Uuid(native_uuid=False))
    more: Mapped[Any] = mapped_column(JSON, nullable=True)
    at: Mapped[time | None]
    kind: Mapped[str | None] = mapped_column(Enum("red", "blue", name="test_kind"))


class LoudInfo(BaseInfo):
    """A column of the user's own type."""

    __tablename__ = "test_loud"
    type_info = TypeInfo(object_type="test.loud", code_name="name")

    loud_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10))
    level: Mapped[int] = mapped_column(default=5)
    word: Mapped[str | None] = mapped_column(Shouted)


class SpecimenConnector(IntegrationConnector):
    """Makes what the record says; pages are found by their GUID."""

    name = "specimen"
    object_classes = (SpecimenInfo, RareInfo, LoudInfo, SiteInfo, Page)

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        fields = dict(obj)
        if isinstance(fields.get("born"), str):
            fields["born"] = date.fromisoformat(fields["born"])
        kind = fields.pop("make", "specimen")
        if isinstance(fields.get("at"), str):
            fields["at"] = time.fromisoformat(fields["at"])
        return _CLASSES[kind](**fields)

    def get_internal_document_params(self, id: Any, class_name: str) -> DocumentParams | None:  # noqa: A002 - the SDK's
        assert class_name == "test.specimen"
        if id == "by external id":
            return None
        return DocumentParams(node_guid=PAGE_GUID, culture_code=str(id), site_name="main")


_CLASSES: dict[str, Any] = {
    "specimen": SpecimenInfo,
    "rare": RareInfo,
    "loud": LoudInfo,
    "site": SiteInfo,
    "page": Page,
}
