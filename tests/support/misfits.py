"""Connectors that cannot be used, each in its own way."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import BaseInfo, Cron, IntegrationConnector, TypeInfo

__all__ = ["BadCron", "BadTable", "Clashing", "Raising", "Unnamed"]


class ThingInfo(BaseInfo):
    """A class whose table exists already, without the column."""

    __tablename__ = "test_thing"
    type_info = TypeInfo(object_type="test.thing", code_name="name")

    thing_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class OtherTeamInfo(BaseInfo):
    """A class with the object type of another one."""

    __tablename__ = "test_other_team"
    type_info = TypeInfo(object_type="test.team", code_name="name")

    team_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class Raising(IntegrationConnector):
    """Cannot be made."""

    name = "raising"

    def __init__(self) -> None:
        raise RuntimeError("no configuration")


class BadCron(IntegrationConnector):
    """Has a schedule that is none."""

    name = "badcron"
    trigger = Cron("every full moon")


class BadTable(IntegrationConnector):
    """Has a table that does not fit."""

    name = "badtable"
    object_classes = (ThingInfo,)


class Clashing(IntegrationConnector):
    """Claims an object type that another connector has."""

    name = "zclashing"
    object_classes = (OtherTeamInfo,)


class Unnamed(IntegrationConnector):
    """Has no name."""
