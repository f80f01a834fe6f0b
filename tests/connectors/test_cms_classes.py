"""The shipped internal classes, on a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Index, Table, UniqueConstraint, create_engine, event, insert, inspect, select
from sqlalchemy.exc import IntegrityError

from integrationbus.connectors import Dependency, cms
from integrationbus.connectors.models import InternalObject, NodeInfo
from integrationbus.connectors.object_class import describe

TABLES = [describe(cls).table for cls in cms.SHIPPED_CLASSES] + [InternalObject.metadata.tables["cms_tree"]]


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=ON"))
    with engine.connect() as connection:
        InternalObject.metadata.create_all(connection, tables=TABLES)
        yield connection
    engine.dispose()


def put(connection: Connection, cls: type[InternalObject], **values: object) -> int:
    key = connection.execute(insert(cls), values).inserted_primary_key
    assert key is not None
    return int(key[0])


def only_row(connection: Connection, cls: type[InternalObject]) -> dict[str, Any]:
    table = inspect(cls).local_table
    return dict(connection.execute(select(table)).mappings().one())


def test_public_names_are_pinned() -> None:
    assert cms.__all__ == [
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


def test_every_class_is_one_that_the_bus_can_write_to() -> None:
    described = [describe(cls) for cls in cms.SHIPPED_CLASSES]
    assert [item.object_type for item in described] == [
        "cms.site",
        "cms.user",
        "cms.role",
        "cms.userrole",
        "cms.usersite",
        "community.group",
        "forums.forum",
        "forums.forumpost",
        "cms.page",
    ]
    assert [item.is_page for item in described] == [False] * 8 + [True]


def test_what_becomes_of_an_object_when_the_target_of_a_key_is_missing() -> None:
    dependencies = {
        f"{cls.__name__}.{key.attribute}": key.dependency
        for cls in cms.SHIPPED_CLASSES
        for key in describe(cls).foreign_keys
    }
    assert dependencies == {
        "RoleInfo.site_id": Dependency.REQUIRED,
        "UserRoleInfo.user_id": Dependency.BINDING,
        "UserRoleInfo.role_id": Dependency.BINDING,
        "UserSiteInfo.user_id": Dependency.BINDING,
        "UserSiteInfo.site_id": Dependency.BINDING,
        "GroupInfo.group_site_id": Dependency.REQUIRED,
        "ForumInfo.forum_site_id": Dependency.REQUIRED,
        "ForumInfo.forum_group_id": Dependency.REQUIRED,
        "ForumPostInfo.post_forum_id": Dependency.REQUIRED,
        "ForumPostInfo.post_parent_id": Dependency.NOT_REQUIRED,
        "ForumPostInfo.post_user_id": Dependency.NOT_REQUIRED,
    }


def test_every_foreign_key_can_be_searched() -> None:
    """Deletions look for the rows that point at the deleted one: without an index each would read the whole table."""
    unindexed = []
    for table in TABLES:
        leading = {index.columns[0].name for index in _indexes(table)}
        unindexed += [f"{table.name}.{key.parent.name}" for key in table.foreign_keys if key.parent.name not in leading]
    assert unindexed == []


def _indexes(table: Table) -> list[Index | UniqueConstraint]:
    return [*table.indexes, *(item for item in table.constraints if isinstance(item, UniqueConstraint))]


def test_a_code_name_is_enough_to_create_a_site_or_a_user(connection: Connection) -> None:
    put(connection, cms.SiteInfo, site_name="shop")
    put(connection, cms.UserInfo, user_name="jane")
    site, user = only_row(connection, cms.SiteInfo), only_row(connection, cms.UserInfo)
    assert site["site_display_name"] == "shop"
    assert isinstance(site["site_guid"], UUID)
    assert user["full_name"] == "jane"
    assert user["user_enabled"] is True
    assert user["user_created"].tzinfo is UTC


def test_defaults_apply_to_each_row_of_a_batch(connection: Connection) -> None:
    connection.execute(insert(describe(cms.UserInfo).table), [{"user_name": name} for name in ("ann", "bob")])
    rows = connection.execute(select(cms.UserInfo.full_name, cms.UserInfo.user_guid)).all()
    assert sorted(row.full_name for row in rows) == ["ann", "bob"]
    assert len({row.user_guid for row in rows}) == 2


def test_a_thread_of_posts_in_the_forum_of_a_group(connection: Connection) -> None:
    site_id = put(connection, cms.SiteInfo, site_name="shop")
    user_id = put(connection, cms.UserInfo, user_name="jane")
    group_id = put(connection, cms.GroupInfo, group_name="fans", group_site_id=site_id)
    forum_id = put(connection, cms.ForumInfo, forum_name="talk", forum_site_id=site_id, forum_group_id=group_id)
    put(connection, cms.ForumInfo, forum_name="open talk", forum_site_id=site_id)
    when = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    question = put(connection, cms.ForumPostInfo, post_forum_id=forum_id, post_user_id=user_id, post_time=when)
    answer = put(connection, cms.ForumPostInfo, post_forum_id=forum_id, post_parent_id=question)
    posts = connection.execute(select(cms.ForumPostInfo.post_id, cms.ForumPostInfo.post_time)).all()
    assert (question, when) in [tuple(post) for post in posts]
    assert answer in [post.post_id for post in posts]


@pytest.mark.parametrize(
    ("cls", "values"),
    [
        (cms.SiteInfo, {"site_name": "shop"}),
        (cms.UserInfo, {"user_name": "jane"}),
        (cms.RoleInfo, {"role_name": "editor", "site_id": 1}),
        (cms.RoleInfo, {"role_name": "everybody"}),
        (cms.UserRoleInfo, {"user_id": 1, "role_id": 1}),
        (cms.GroupInfo, {"group_name": "fans", "group_site_id": 1}),
        (cms.ForumInfo, {"forum_name": "talk", "forum_site_id": 1}),
    ],
)
def test_a_second_one_of_the_same_name_is_refused(
    connection: Connection, cls: type[InternalObject], values: dict[str, Any]
) -> None:
    if cls is not cms.SiteInfo:
        put(connection, cms.SiteInfo, site_name="shop")
    if cls is cms.UserRoleInfo:
        put(connection, cms.UserInfo, user_name="jane")
        put(connection, cms.RoleInfo, role_name="editor")
    put(connection, cls, **values)
    with pytest.raises(IntegrityError, match="UNIQUE"):
        put(connection, cls, **values)


def test_the_same_role_name_may_stand_on_two_sites_and_globally(connection: Connection) -> None:
    sites = [put(connection, cms.SiteInfo, site_name=name) for name in ("shop", "blog")]
    for site_id in [*sites, None]:
        put(connection, cms.RoleInfo, role_name="editor", site_id=site_id)
    assert len(connection.execute(select(cms.RoleInfo.role_id)).all()) == 3


def test_a_key_to_nowhere_is_refused(connection: Connection) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        put(connection, cms.GroupInfo, group_name="fans", group_site_id=404)


def test_a_page_in_two_cultures(connection: Connection) -> None:
    site_id = put(connection, cms.SiteInfo, site_name="shop")
    node_id = put(
        connection, NodeInfo, node_site_id=site_id, node_class="cms.page", node_alias="news", node_alias_path="/news"
    )
    for culture, title in (("en-US", "News"), ("de-AT", "Neues")):
        put(connection, cms.Page, document_node_id=node_id, document_culture=culture, title=title)
    with pytest.raises(IntegrityError, match="UNIQUE"):
        put(connection, cms.Page, document_node_id=node_id, document_culture="de-AT")
