"""A connector for tests whose classes have code names within their parents, a group, and a binding with a key more."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import BaseInfo, Part, Snapshot, SnapshotHandling, TaskDataType, TaskType, TypeInfo
from integrationbus.connectors.cms import Page, SiteInfo, UserInfo
from integrationbus.connectors.models import Dependency, foreign_key
from support.people import PeopleConnector

__all__ = ["FolderInfo", "FoldersConnector", "NoteInfo", "ReaderInfo"]


class FolderInfo(BaseInfo):
    """A folder, in another one perhaps; its owner is its group."""

    __tablename__ = "test_folder"
    type_info = TypeInfo(object_type="test.folder", code_name="name", guid="guid", parent="parent_id", group="owner_id")

    folder_id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[UUID] = mapped_column(default=uuid4)
    name: Mapped[str] = mapped_column(String(50))
    color: Mapped[str] = mapped_column(String(50), default="white")
    parent_id: Mapped[int | None] = foreign_key("test_folder.folder_id", Dependency.REQUIRED)
    owner_id: Mapped[int | None] = foreign_key("cms_user.user_id", Dependency.REQUIRED)


class NoteInfo(BaseInfo):
    """A note in a folder; a snapshot of the folder keeps those that it does not mention."""

    __tablename__ = "test_note"
    type_info = TypeInfo(
        object_type="test.note", code_name="title", parent="folder_id", handling=SnapshotHandling.INCREMENTAL
    )

    note_id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    folder_id: Mapped[int] = foreign_key("test_folder.folder_id", Dependency.REQUIRED)
    author_id: Mapped[int | None] = foreign_key("cms_user.user_id", Dependency.REQUIRED)
    page_id: Mapped[int | None] = foreign_key("cms_tree.node_id", Dependency.REQUIRED)


class ReaderInfo(BaseInfo):
    """A binding: the user may read the folder, because somebody said so, and somebody else proposed it perhaps."""

    __tablename__ = "test_reader"
    type_info = TypeInfo(object_type="test.reader")

    reader_id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = foreign_key("test_folder.folder_id", Dependency.BINDING)
    user_id: Mapped[int] = foreign_key("cms_user.user_id", Dependency.BINDING)
    granted_by_id: Mapped[int] = foreign_key("cms_user.user_id", Dependency.REQUIRED)
    proposed_by_id: Mapped[int | None] = foreign_key("cms_user.user_id", Dependency.NOT_REQUIRED)


class FoldersConnector(PeopleConnector):
    """Does what the record says: ``{"make": "folder", ...fields}``, with ``notes`` and ``readers`` as parts."""

    name = "folders"
    object_classes = (FolderInfo, NoteInfo, ReaderInfo, UserInfo, SiteInfo, Page)

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        self.calls.append(("prepare", obj))
        fields = dict(obj)
        parts = [
            Part(cls, [cls(**item) for item in fields.pop(name)])
            for name, cls in (("notes", NoteInfo), ("readers", ReaderInfo))
            if name in fields
        ]
        made = _CLASSES[fields.pop("make", "folder")](**fields)
        return Snapshot(made, parts) if parts else made


_CLASSES: dict[str, Any] = {
    "folder": FolderInfo,
    "note": NoteInfo,
    "reader": ReaderInfo,
    "user": UserInfo,
    "site": SiteInfo,
    "page": Page,
}
