"""Making internal objects: what their constructor takes, checks and leaves to SQLAlchemy."""

from typing import Any

import pytest
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from integrationbus.connectors import BaseInfo, TypeInfo


class CrateInfo(BaseInfo):
    """A crate that checks its label, and can be asked for its height by another name."""

    __tablename__ = "test_crate"
    type_info = TypeInfo(object_type="test.crate", code_name="label")

    crate_id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(50))
    height: Mapped[int] = mapped_column(default=3)
    depth: Mapped[int | None] = mapped_column()

    @validates("label")
    def _trimmed(self, _: str, label: str) -> str:
        return label.strip()

    @property
    def tall(self) -> int:
        """The height."""
        return self.height

    @tall.setter
    def tall(self, height: int) -> None:
        self.height = height


def test_an_object_has_what_it_was_given_and_nothing_else() -> None:
    crate = CrateInfo(label="A", height=5)
    assert (crate.label, crate.height) == ("A", 5)
    assert "depth" not in vars(crate)


def test_what_checks_an_attribute_is_asked() -> None:
    assert CrateInfo(label=" A ").label == "A"
    assert CrateInfo(label="A", tall=7).height == 7


def test_an_attribute_that_does_not_exist_is_refused() -> None:
    unknown: dict[str, Any] = {"colour": "red"}
    with pytest.raises(TypeError, match="'colour' is an invalid keyword argument for CrateInfo"):
        CrateInfo(label="A", **unknown)


def test_an_object_can_be_stored_and_changed_by_a_session() -> None:
    engine = create_engine("sqlite://")
    CrateInfo.metadata.create_all(engine, tables=[CrateInfo.metadata.tables["test_crate"]])
    with Session(engine) as session:
        crate = CrateInfo(label="A", depth=2)
        session.add(crate)
        session.commit()
        crate.depth = 4
        session.commit()
        merged = session.merge(CrateInfo(crate_id=crate.crate_id, height=9))
        session.commit()
        assert merged is crate
        stored = session.execute(select(CrateInfo.label, CrateInfo.height, CrateInfo.depth)).one()
    assert tuple(stored) == ("A", 9, 4)
    engine.dispose()
