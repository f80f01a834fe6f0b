"""Values that are made by the thousand: dataclasses in all but that they do not keep themselves from being changed."""

from dataclasses import fields, replace

import pytest

from integrationbus.server.value import value


@value
class Point:
    """A value."""

    x: int
    y: int = 0


def test_a_value_is_a_dataclass() -> None:
    assert [item.name for item in fields(Point)] == ["x", "y"]
    assert replace(Point(x=1), y=2) == Point(x=1, y=2)
    assert repr(Point(x=1)) == "Point(x=1, y=0)"


def test_equal_values_are_one_key() -> None:
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2


def test_a_value_has_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        object.__setattr__(Point(x=1), "z", 3)
