"""Countries after ISO 3166-1."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors.models import BaseInfo, TypeInfo

__all__ = ["CountryInfo"]


class CountryInfo(BaseInfo):
    """A country. Its code name is its alpha-2 code, for example "AT"."""

    __tablename__ = "iso3166_country"
    type_info = TypeInfo(object_type="iso3166.country", code_name="alpha_2", display_name="name")

    country_id: Mapped[int] = mapped_column(primary_key=True)
    alpha_2: Mapped[str] = mapped_column(String(2), unique=True)
    alpha_3: Mapped[str] = mapped_column(String(3), unique=True)
    numeric: Mapped[str] = mapped_column(String(3), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    official_name: Mapped[str | None] = mapped_column(String(200))
    common_name: Mapped[str | None] = mapped_column(String(200))
    flag: Mapped[str] = mapped_column(String(10))
