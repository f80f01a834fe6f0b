"""Internal classes as a file describes them: plain values that can be compared."""

from dataclasses import dataclass

from integrationbus.connectors.models import Dependency, TypeInfo

__all__ = ["ClassSpec", "ColumnSpec", "ForeignKeySpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKeySpec:
    """What a column points at: ``target`` is "table.column"."""

    target: str
    dependency: Dependency
    default_code_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """A column. ``default`` is what stands in the file; None: there is none. Foreign keys are integers."""

    name: str
    type: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    nullable: bool = False
    default: bool | float | str | None = None
    foreign_key: ForeignKeySpec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSpec:
    """A class with its table. ``primary_key`` is the name of a column that is not among the others."""

    info: TypeInfo
    table: str
    is_page: bool
    primary_key: str
    columns: tuple[ColumnSpec, ...]
