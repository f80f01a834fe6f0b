"""From an external object to an internal one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import cel
from sqlalchemy import Column, Date, DateTime, Float, Numeric
from sqlalchemy.types import TypeEngine

from integrationbus.connectors.declarative.expressions import UNSET, AbsentValue, Expression, ExpressionFailed
from integrationbus.connectors.exact_decimal import ExactDecimal
from integrationbus.connectors.models import BaseInfo, TreeNode
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, describe
from integrationbus.connectors.task_types import TaskType
from integrationbus.connectors.utc_date_time import UtcDateTime

__all__ = ["Field", "ObjectMapping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where the value of an attribute comes from. An optional one stays unset when the object lacks what it reads."""

    attribute: str
    expression: Expression
    optional: bool

    def value(self, context: cel.Context) -> object:
        """The value, or UNSET. Raises ExpressionFailed."""
        try:
            return self.expression.evaluate(context)
        except AbsentValue:
            if self.optional:
                return UNSET
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMapping:
    """How one internal class is made. ``when`` is None: of every object."""

    cls: type[BaseInfo | TreeNode]
    when: Expression | None
    fields: Sequence[Field]

    def fits(self, context: cel.Context, task_type: TaskType) -> bool:
        """Whether it is for this task. Raises ExpressionFailed."""
        if issubclass(self.cls, TreeNode) is not task_type.is_for_pages:
            return False
        return self.when is None or self.when.is_true(context)

    def make(self, context: cel.Context, task_type: TaskType) -> BaseInfo | TreeNode:
        """The internal object; of one that is to be deleted only what it is found by. Raises ExpressionFailed."""
        described = describe(self.cls)
        needed = {*described.identity_attributes, *NODE_ATTRIBUTES} if task_type.is_deletion else None
        values: dict[str, object] = {}
        for field in self.fields:
            if needed is not None and field.attribute not in needed:
                continue
            try:
                value = field.value(context)
                if value is not UNSET:
                    values[field.attribute] = _as_column(value, described.columns.get(field.attribute))
            except ValueError as error:
                raise ExpressionFailed(f"{described.object_type}.{field.attribute} = {error}") from error
        return self.cls(**values)


def _as_column(value: object, column: Column[Any] | None) -> object:
    """The value in the type of a column that CEL and JSON have no type for. Raises ValueError."""
    kind: TypeEngine[Any] | None = None if column is None else column.type
    match kind, value:
        case (UtcDateTime() | DateTime(), str()):
            return datetime.fromisoformat(value)
        case Date(), str():
            return date.fromisoformat(value)
        case (ExactDecimal() | Numeric(), str() | float()) if not isinstance(kind, Float):
            return _decimal(value)
    return value


def _decimal(value: str | float) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is no decimal number") from None
