"""Subdivisions of countries after ISO 3166-2: states, provinces, districts."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.models import BaseInfo, Dependency, TypeInfo, foreign_key

__all__ = ["SubdivisionInfo"]


class SubdivisionInfo(BaseInfo):
    """A subdivision of a country, perhaps within another subdivision. Its code name is its code, for example "AT-9".

    The parent is REQUIRED although it may be absent: without a parent code the column is null, and a code that fits no
    subdivision makes the task wait for it instead of being dropped in silence.
    """

    __tablename__ = "iso3166_subdivision"
    type_info = TypeInfo(object_type="iso3166.subdivision", code_name="code", display_name="name")

    subdivision_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(6), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(100))
    country_id: Mapped[int] = foreign_key("iso3166_country.country_id", Dependency.REQUIRED, index=True)
    parent_id: Mapped[int | None] = foreign_key("iso3166_subdivision.subdivision_id", Dependency.REQUIRED, index=True)
