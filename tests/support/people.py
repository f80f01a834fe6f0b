"""Connectors for tests: people who report to each other, on real tables."""

import sys
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    Accepts,
    BaseInfo,
    Cron,
    DocumentParams,
    Every,
    IntegrationConnector,
    ObjectParams,
    OnNotify,
    Part,
    RetryableError,
    RetryPolicy,
    Snapshot,
    SnapshotHandling,
    TaskDataType,
    TaskType,
    TreeNode,
    TypeInfo,
    WaitForMissingKey,
    foreign_key,
)
from integrationbus.connectors.cms import (
    ForumInfo,
    ForumPostInfo,
    GroupInfo,
    Page,
    RoleInfo,
    SiteInfo,
    UserInfo,
    UserRoleInfo,
    UserSiteInfo,
)
from integrationbus.connectors.models import Dependency

__all__ = ["KeepingConnector", "NotifiedConnector", "PatientConnector", "PeopleConnector", "PersonInfo", "TeamInfo"]


class TeamInfo(BaseInfo):
    """A team; the team "nobody" stands in for missing ones."""

    __tablename__ = "test_team"
    type_info = TypeInfo(object_type="test.team", code_name="name")

    team_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)


class PersonInfo(BaseInfo):
    """A person with one foreign key of each kind."""

    __tablename__ = "test_person"
    type_info = TypeInfo(object_type="test.person", code_name="name")

    person_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    age: Mapped[int | None] = mapped_column(default=30)
    boss_id: Mapped[int | None] = foreign_key("test_person.person_id", Dependency.REQUIRED)
    friend_id: Mapped[int | None] = foreign_key("test_person.person_id", Dependency.NOT_REQUIRED)
    team_id: Mapped[int | None] = foreign_key(
        "test_team.team_id", Dependency.REQUIRED_HAS_DEFAULT, default_code_name="nobody"
    )


class PeopleConnector(IntegrationConnector):
    """Does what the record says: ``{"make": "person", ...fields}``, or misbehaves as ``{"do": ...}`` says.

    Children and bindings are in ``parts``: ``[{"make": "post", "objects": [{"external_id": 5, ...fields}]}]``.
    """

    name = "people"
    object_classes: ClassVar[tuple[type[BaseInfo | TreeNode], ...]] = (
        PersonInfo,
        TeamInfo,
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
    retry = RetryPolicy(max_attempts=3, initial_delay=timedelta(0))

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []
        self.params: dict[tuple[object, str], ObjectParams | DocumentParams] = {}
        self.failures_left = 0

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> Any:
        self.calls.append(("prepare", obj))
        fields = dict(obj)
        match fields.pop("do", None):
            case "raise":
                raise ValueError("no such luck")
            case "exit":
                sys.exit("bye")
            case "none":
                return None
            case "wrong":
                return "a text"
            case "retry":
                if self.failures_left > 0:
                    self.failures_left -= 1
                    raise RetryableError("later")
        return _made(_CLASSES[fields.pop("make", "person")], fields)

    def get_internal_object_params(self, id: Any, object_type: str) -> Any:  # noqa: A002 - the SDK's name
        self.calls.append(("object_params", (id, object_type)))
        return self.params.get((id, object_type))

    def get_internal_document_params(self, id: Any, class_name: str) -> Any:  # noqa: A002 - the SDK's name
        self.calls.append(("document_params", (id, class_name)))
        return self.params.get((id, class_name))


class PatientConnector(PeopleConnector):
    """The same people, who wait an hour for what they miss."""

    name = "patient"
    missing_key = WaitForMissingKey(timedelta(hours=1))


class KeepingConnector(PeopleConnector):
    """The same people, who remember where keys lead."""

    name = "keeping"
    clear_translations_after_processing = False


class NotifiedConnector(PeopleConnector):
    """The same people, but only a notify starts it."""

    name = "notified"
    trigger = OnNotify()


class EverySecondConnector(PeopleConnector):
    """The same people, by the clock."""

    name = "seconds"
    trigger = Every(timedelta(seconds=1))


class NightlyConnector(PeopleConnector):
    """The same people, at three o'clock in Prague on working days."""

    name = "nightly"
    trigger = Cron("0 3 * * mon-fri", "Europe/Prague")


class NarrowConnector(PeopleConnector):
    """Takes JSON only."""

    name = "narrow"
    accepts = Accepts(record=False, content_types=("application/json",), prepared=False)


_CLASSES = {
    "person": PersonInfo,
    "team": TeamInfo,
    "site": SiteInfo,
    "user": UserInfo,
    "role": RoleInfo,
    "user_role": UserRoleInfo,
    "page": Page,
    "user_site": UserSiteInfo,
    "group": GroupInfo,
    "forum": ForumInfo,
    "post": ForumPostInfo,
}


def _made(cls: Any, fields: dict[str, Any]) -> Any:
    """An object of a class, or a snapshot of it if there are parts."""
    parts, external_id = fields.pop("parts", None), fields.pop("external_id", "")
    if parts is None and not external_id:
        return cls(**fields)
    return Snapshot(cls(**fields), [_part(dict(part)) for part in parts or ()], external_id)


def _part(part: dict[str, Any]) -> Part:
    cls: Any = _CLASSES[part["make"]]
    handling = SnapshotHandling[part["handling"]] if "handling" in part else None
    return Part(cls, [_made(cls, dict(item)) for item in part["objects"]], handling, part.get("through"))
