"""Values of which very many are made."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["value"]

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[_T]) -> type[_T]:
    """As ``dataclass(frozen=True, slots=True, kw_only=True)``, but only the type checker keeps it frozen.

    What is frozen in earnest sets each field by a call of its own. Measured: a task takes 4 x as long to make.
    """
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
