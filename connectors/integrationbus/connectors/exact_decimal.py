"""A column type for decimal numbers that keeps every digit on every database."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["ExactDecimal"]

_LONGEST = 1_002  # a sign, a point, and PostgreSQL's 1,000 digits


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal number, NUMERIC where the database has it.

    SQLite has none: a plain Numeric column becomes a float there and keeps 15 digits. This one becomes text, which
    keeps them all and compares by its digits, not by its value.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column by the database."""
        return dialect.type_descriptor(String(_LONGEST) if dialect.name == "sqlite" else self.impl_instance)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: ANN401 - as the column is
        """Write the digits where the column is text."""
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:  # noqa: ANN401
        """Read the digits where the column is text."""
        return None if value is None else Decimal(value)
