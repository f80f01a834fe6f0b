"""What the bus reads from an internal class."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.orm import Mapped, column_property, mapped_column

from integrationbus.connectors import BaseInfo, Dependency, TreeNode, TypeInfo, foreign_key
from integrationbus.connectors.object_class import ForeignKeyInfo, InvalidObjectClass, describe


class Thing(BaseInfo):
    """The base of this module's objects: metadata of its own, so that the tables stay out of other tests."""

    __abstract__ = True
    metadata = MetaData()


class Article(TreeNode):
    """A page class with metadata of its own, for the same reason."""

    metadata = MetaData()
    __tablename__ = "sdk_article"
    type_info = TypeInfo(object_type="sdk.article", display_name="headline")

    headline: Mapped[str] = mapped_column(String(100))
    see_also_id: Mapped[int | None] = foreign_key("cms_tree.node_id", Dependency.NOT_REQUIRED)


class Device(Thing):
    __tablename__ = "sdk_device"
    type_info = TypeInfo(object_type="sdk.device", code_name="serial", display_name="label", site="site_id")

    device_id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[str] = mapped_column("serial_number", String(40), unique=True)
    label: Mapped[str] = mapped_column(String(100), default="")
    site_id: Mapped[int] = foreign_key("cms_site.site_id", Dependency.REQUIRED)
    role_id: Mapped[int] = foreign_key(
        "cms_role.role_id", Dependency.REQUIRED_HAS_DEFAULT, default_code_name="everybody"
    )
    owner_id: Mapped[int] = mapped_column(ForeignKey("cms_user.user_id"))
    heir_id: Mapped[int | None] = mapped_column(ForeignKey("cms_user.user_id"))
    shown_as = column_property(serial + label)


def test_columns_go_by_attribute_name() -> None:
    described = describe(Device)
    assert described.cls is Device
    assert described.object_type == "sdk.device"
    assert described.table.name == "sdk_device"
    assert described.primary_key == "device_id"
    assert described.id_column is Device.__table__.c.device_id
    assert described.columns["serial"].name == "serial_number"
    assert not described.is_page


def test_expressions_are_not_columns() -> None:
    assert set(describe(Device).columns) == {
        "device_id",
        "serial",
        "label",
        "site_id",
        "role_id",
        "owner_id",
        "heir_id",
    }


def test_foreign_keys_carry_what_was_declared_or_else_what_nullability_says() -> None:
    keys = {key.attribute: key for key in describe(Device).foreign_keys}
    assert keys == {
        "site_id": ForeignKeyInfo(attribute="site_id", target_table="cms_site", dependency=Dependency.REQUIRED),
        "role_id": ForeignKeyInfo(
            attribute="role_id",
            target_table="cms_role",
            dependency=Dependency.REQUIRED_HAS_DEFAULT,
            default_code_name="everybody",
        ),
        "owner_id": ForeignKeyInfo(attribute="owner_id", target_table="cms_user", dependency=Dependency.REQUIRED),
        "heir_id": ForeignKeyInfo(attribute="heir_id", target_table="cms_user", dependency=Dependency.NOT_REQUIRED),
    }
    assert not any(key.points_at_page for key in keys.values())


def test_the_link_of_a_page_to_its_node_is_not_a_key_to_translate() -> None:
    described = describe(Article)
    assert described.is_page
    assert described.primary_key == "document_id"
    assert [key.attribute for key in described.foreign_keys] == ["see_also_id"]
    assert described.foreign_keys[0].points_at_page


def test_a_page_has_one_row_for_each_culture() -> None:
    constraints = [item for item in describe(Article).table.constraints if isinstance(item, UniqueConstraint)]
    assert [item.columns.keys() for item in constraints] == [["document_node_id", "document_culture"]]


def test_attributes_of_the_tree_are_no_columns_of_the_page() -> None:
    page = Article(headline="News", node_alias="news", node_parent_path="/")
    assert page.node_alias == "news"
    assert not {"node_alias", "node_parent_path", "node_parent_id", "node_guid"} & set(describe(Article).columns)


def test_a_class_without_type_info_is_refused() -> None:
    class Nameless(Thing):
        __tablename__ = "sdk_nameless"
        nameless_id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(InvalidObjectClass, match="Nameless has no type_info"):
        describe(Nameless)


def test_a_class_without_a_table_is_refused() -> None:
    class Idea(Thing):
        __abstract__ = True
        type_info = TypeInfo(object_type="sdk.idea")

    with pytest.raises(InvalidObjectClass, match="Idea is not mapped to a table"):
        describe(Idea)


def test_two_primary_key_columns_are_refused() -> None:
    class Pair(Thing):
        __tablename__ = "sdk_pair"
        type_info = TypeInfo(object_type="sdk.pair")
        left: Mapped[int] = mapped_column(primary_key=True)
        right: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(InvalidObjectClass, match="one primary key column, an integer"):
        describe(Pair)


def test_a_primary_key_of_text_is_refused() -> None:
    class Word(Thing):
        __tablename__ = "sdk_word"
        type_info = TypeInfo(object_type="sdk.word")
        word: Mapped[str] = mapped_column(String(40), primary_key=True)

    with pytest.raises(InvalidObjectClass, match="one primary key column, an integer"):
        describe(Word)


@pytest.mark.parametrize("role", ["code_name", "guid", "site", "parent", "group", "display_name"])
def test_a_role_that_no_column_plays_is_refused(role: str) -> None:
    body: dict[str, Any] = {
        "__tablename__": f"sdk_misnamed_{role}",
        "__annotations__": {"item_id": Mapped[int]},
        "type_info": TypeInfo(object_type="sdk.misnamed", **{role: "nowhere"}),  # type: ignore[arg-type] # all roles are texts
        "item_id": mapped_column(primary_key=True),
    }
    misnamed = type(f"Misnamed_{role}", (Thing,), body)
    with pytest.raises(InvalidObjectClass, match=rf"Misnamed_{role}\.type_info\.{role} names 'nowhere'"):
        describe(misnamed)


def test_a_default_goes_with_the_dependency_that_needs_it_and_with_no_other() -> None:
    with pytest.raises(ValueError, match=r"cms_role\.role_id: default_code_name"):
        foreign_key("cms_role.role_id", Dependency.REQUIRED_HAS_DEFAULT)
    with pytest.raises(ValueError, match=r"cms_role\.role_id: default_code_name"):
        foreign_key("cms_role.role_id", Dependency.REQUIRED, default_code_name="everybody")
