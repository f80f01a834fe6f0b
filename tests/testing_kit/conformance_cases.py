"""A connector that passes the conformance suite, and for each rule one that breaks it and no other.

``test_conformance.py`` runs this file with a pytest of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.client import Encoded, Json, NewTask, PreparedObject, TaskType
from integrationbus.connectors import (
    Accepts,
    BaseInfo,
    Dependency,
    IntegrationConnector,
    ObjectParams,
    RetryableError,
    RetryPolicy,
    TaskDataType,
    TypeInfo,
    UtcDateTime,
    foreign_key,
)
from integrationbus.connectors import TaskType as ConnectorTaskType
from integrationbus.connectors.cms import Page, UserInfo
from integrationbus.server.testing import ConnectorConformance

_NAME = "good"


class PartInfo(BaseInfo):
    """A part of another part."""

    __tablename__ = "kit_part"
    type_info = TypeInfo(object_type="kit.part", code_name="code", guid="guid")

    part_id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[UUID] = mapped_column(default=uuid4)
    code: Mapped[str] = mapped_column(String(50))
    title: Mapped[str | None] = mapped_column(String(100))
    made: Mapped[datetime] = mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))
    whole_id: Mapped[int | None] = foreign_key("kit_part.part_id", Dependency.REQUIRED)


class NoteInfo(BaseInfo):
    """A note, which has no name."""

    __tablename__ = "kit_note"
    type_info = TypeInfo(object_type="kit.note", guid="guid")

    note_id: Mapped[int] = mapped_column(primary_key=True)
    guid: Mapped[UUID] = mapped_column(default=uuid4)
    text: Mapped[str] = mapped_column(String(100))
    shelf: Mapped[str | None] = mapped_column(String(100), unique=True)


class GoodConnector(IntegrationConnector):
    """Keeps every rule."""

    name = _NAME
    object_classes: ClassVar[tuple[type[Any], ...]] = (PartInfo,)

    def prepare_internal_object(
        self, obj: Any, task_type: ConnectorTaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        return PartInfo(code=obj["code"], title=obj["title"], whole_id=obj["whole"])

    def get_internal_object_params(self, id: Any, object_type: str) -> ObjectParams | None:  # noqa: A002 - the SDK's
        return ObjectParams(code_name=str(id))


def _part(code: str, whole: str | None = None, **options: Any) -> NewTask:
    payload = {"code": code, "title": f"Part {code}", "whole": whole}
    return NewTask(_NAME, TaskType.CREATE_OBJECT, payload, external_id=code, **options)


class Conformance(ConnectorConformance):
    """What all cases share."""

    connector = GoodConnector
    samples: ClassVar[Sequence[NewTask]] = [_part("a"), _part("b", whole="a")]


class TestGood(Conformance):
    """Keeps every rule."""


def _page(payload: Mapping[str, str], **options: Any) -> NewTask:
    return NewTask("pages", TaskType.CREATE_DOCUMENT, Json(payload), site="main", **options)


class TestPages(ConnectorConformance):
    """A connector of pages keeps every rule as well."""

    class PagesConnector(IntegrationConnector):
        name = "pages"
        object_classes = (Page,)
        accepts = Accepts(record=False, content_types=("application/json",), prepared=False)

        def prepare_internal_object(
            self, obj: Any, task_type: ConnectorTaskType, data_type: TaskDataType, site_name: str | None
        ) -> Page:
            page = Page(document_culture="en-US", title=obj["title"])
            page.node_alias = obj["alias"]
            page.node_parent_id = obj.get("parent")
            return page

    connector = PagesConnector
    given = (PreparedObject("cms.site", {"site_name": "main"}),)
    samples = (
        _page({"alias": "news", "title": "News"}, external_id="n"),
        _page({"alias": "old", "title": "Old news", "parent": "n"}, external_id="o"),
    )


class TestText(Conformance):
    """A connector of lines of text and of JSON keeps every rule as well."""

    class Lines(GoodConnector):
        accepts = Accepts(record=False, content_types=("text/csv", "application/json"))

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            code, title = obj.decode().split(",") if isinstance(obj, bytes) else (obj["code"], obj["title"])
            return PartInfo(code=code, title=title)

    connector = Lines
    samples: ClassVar[Sequence[NewTask]] = [
        NewTask(_NAME, TaskType.CREATE_OBJECT, Encoded("text/csv", b"a,Part a")),
        NewTask(_NAME, TaskType.CREATE_OBJECT, Json({"code": "b", "title": "Part b"})),
    ]


class TestPreparedByTheCaller(Conformance):
    """The connector is asked about keys only; a deletion ends the samples."""

    class Receiving(GoodConnector):
        accepts = Accepts(record=False, content_types=())

    connector = Receiving
    samples: ClassVar[Sequence[NewTask]] = [
        NewTask(_NAME, TaskType.CREATE_OBJECT, PreparedObject("kit.part", {"code": "a"})),
        NewTask(_NAME, TaskType.CREATE_OBJECT, PreparedObject("kit.part", {"code": "b", "whole_id": "a"})),
        NewTask(_NAME, TaskType.DELETE_OBJECT, PreparedObject("kit.part", {"code": "b"})),
    ]


class TestRuleLeftOut(Conformance):
    """A connector for objects that are never deleted."""

    class Archive(GoodConnector):
        def prepare_internal_object(self, obj: Any, task_type: ConnectorTaskType, *rest: Any) -> Any:
            if task_type.is_deletion:
                raise ValueError("nothing is ever deleted")
            return super().prepare_internal_object(obj, task_type, *rest)

    connector = Archive
    test_a_deletion_deletes_the_object_of_its_sample = None  # type: ignore[assignment] # as its documentation says


class TestNameOfTheClass(Conformance):
    class Named(GoodConnector):
        name = "Not a name"

    connector = Named


class TestTableOfTheClass(Conformance):
    """Discovery takes the class, the registration does not: its type belongs to a shipped class."""

    class Clashing(GoodConnector):
        class OtherUserInfo(BaseInfo):
            __tablename__ = "kit_user"
            type_info = TypeInfo(object_type=UserInfo.type_info.object_type, code_name="name")

            user_id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str] = mapped_column(String(50))

        object_classes = (PartInfo, OtherUserInfo)

    connector = Clashing


class TestConstructorArgument(Conformance):
    class Configured(GoodConnector):
        def __init__(self, address: str) -> None:
            self.address = address

    connector = Configured  # type: ignore[assignment] # on purpose


class TestConstructorTwice(Conformance):
    class Once(GoodConnector):
        made = False

        def __init__(self) -> None:
            if type(self).made:
                raise RuntimeError("there can be only one")
            type(self).made = True

    connector = Once


class TestStranger(Conformance):
    class Undeclared(GoodConnector):
        object_classes = (UserInfo,)

    connector = Undeclared


class TestNothingMade(Conformance):
    class Silent(GoodConnector):
        def prepare_internal_object(self, *_: Any) -> Any:
            return None

    connector = Silent


class TestNoSamples(Conformance):
    samples = ()


class TestFailingSample(Conformance):
    class Choosy(GoodConnector):
        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            if obj["code"] == "b":
                raise ValueError("no part b")
            return super().prepare_internal_object(obj, *rest)

    connector = Choosy


class TestRefusedSample(Conformance):
    samples: ClassVar[Sequence[NewTask]] = [_part("a", object_type="kit.nothing")]


class TestSecondObject(Conformance):
    class NewGuids(GoodConnector):
        object_classes = (NoteInfo,)

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            return NoteInfo(guid=uuid4(), text=obj["title"])

    connector = NewGuids
    samples: ClassVar[Sequence[NewTask]] = [NewTask(_NAME, TaskType.CREATE_OBJECT, {"title": "One"})]


class TestSecondTime(Conformance):
    class Crowding(GoodConnector):
        object_classes = (NoteInfo,)

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            return NoteInfo(guid=uuid4(), text=obj["title"], shelf="the only one")

    connector = Crowding
    samples: ClassVar[Sequence[NewTask]] = [NewTask(_NAME, TaskType.CREATE_OBJECT, {"title": "One"})]


class TestClock(Conformance):
    class Stamping(GoodConnector):
        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            made = super().prepare_internal_object(obj, *rest)
            made.made = datetime.now(UTC)
            return made

    connector = Stamping


class TestDeletion(Conformance):
    class Keeping(GoodConnector):
        def prepare_internal_object(self, obj: Any, task_type: ConnectorTaskType, *rest: Any) -> Any:
            if task_type.is_deletion:
                raise ValueError("nothing is ever deleted")
            return super().prepare_internal_object(obj, task_type, *rest)

    connector = Keeping


class TestDeletionOfAnother(Conformance):
    class Missing(GoodConnector):
        def prepare_internal_object(self, obj: Any, task_type: ConnectorTaskType, *rest: Any) -> Any:
            made = super().prepare_internal_object(obj, task_type, *rest)
            made.code = "deleted" if task_type.is_deletion else made.code
            return made

    connector = Missing
    samples: ClassVar[Sequence[NewTask]] = [
        NewTask(_NAME, TaskType.CREATE_OBJECT, {"code": "a", "title": "Part a", "whole": None})
    ]


class TestChangedPayload(Conformance):
    class Taking(GoodConnector):
        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            return PartInfo(code=obj.pop("code"), title=obj["title"], whole_id=obj["whole"])

    connector = Taking


class TestState(Conformance):
    class Counting(GoodConnector):
        def __init__(self) -> None:
            self.calls = 0

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            made = super().prepare_internal_object(obj, *rest)
            self.calls += 1
            made.title = f"call {self.calls}"
            return made

    connector = Counting


class TestKeys(Conformance):
    class Forgetful(GoodConnector):
        def __init__(self) -> None:
            self.known: set[str] = set()

        def get_internal_object_params(self, id: Any, object_type: str) -> ObjectParams | None:  # noqa: A002 - the SDK's
            if id in self.known:
                return None
            self.known.add(id)
            return ObjectParams(code_name=id)

    connector = Forgetful


class TestUnusable(Conformance):
    class Generous(GoodConnector):
        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            fields: Mapping[str, Any] = obj if isinstance(obj, Mapping) else {}
            return PartInfo(code=fields.get("code", "?"), title=fields.get("title"), whole_id=fields.get("whole"))

    connector = Generous


class TestUnusableDeletion(TestUnusable):
    samples: ClassVar[Sequence[NewTask]] = [
        NewTask(_NAME, TaskType.DELETE_OBJECT, {"code": "a"}),
        *Conformance.samples,
    ]


class TestUnusableRemembered(Conformance):
    class Offended(GoodConnector):
        offended = False

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            if not isinstance(obj, Mapping) or "code" not in obj:
                self.offended = True
            if self.offended:
                raise ValueError("no more")
            return super().prepare_internal_object(obj, *rest)

    connector = Offended


class TestUnusableRetried(Conformance):
    class Hoping(GoodConnector):
        retry = RetryPolicy(max_attempts=5)

        def prepare_internal_object(self, obj: Any, *rest: Any) -> Any:
            try:
                return super().prepare_internal_object(obj, *rest)
            except (KeyError, TypeError) as error:
                raise RetryableError("perhaps it is better next time") from error

    connector = Hoping
