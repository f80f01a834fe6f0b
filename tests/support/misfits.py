"""Connectors that cannot be used, each in its own way."""

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import Accepts, BaseInfo, Cron, IntegrationConnector, OnNotify, TypeInfo
from integrationbus.examples.iso3166.v1.country_pb2 import Country

__all__ = ["BadAccepts", "BadCron", "BadTable", "BadTrigger", "BadZone", "Clashing", "Doubled", "Raising", "Unnamed"]


def _twin_of(cls: type[Message]) -> type[Message]:
    """Another class of the same full name, as a second copy of generated code makes it."""
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto()
    cls.DESCRIPTOR.file.CopyToProto(file)
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(cls.DESCRIPTOR.full_name))


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


class BadZone(IntegrationConnector):
    """Has a time zone that is none."""

    name = "badzone"
    trigger = Cron("0 3 * * *", "Mars/Base")


class BadTrigger(IntegrationConnector):
    """Has a trigger of the wrong type."""

    name = "badtrigger"
    trigger = OnNotify  # type: ignore[assignment] # the parentheses are missing


class BadAccepts(IntegrationConnector):
    """Says wrongly what it accepts."""

    name = "badaccepts"
    accepts = "json"  # type: ignore[assignment] # on purpose


class BadTable(IntegrationConnector):
    """Has a table that does not fit."""

    name = "badtable"
    object_classes = (ThingInfo,)


class Clashing(IntegrationConnector):
    """Claims an object type that another connector has."""

    name = "zclashing"
    object_classes = (OtherTeamInfo,)


class Doubled(IntegrationConnector):
    """Accepts two classes of one name, of which only the first can ever be meant."""

    name = "doubled"
    accepts = Accepts(messages=(Country, _twin_of(Country)))


class Unnamed(IntegrationConnector):
    """Has no name."""
