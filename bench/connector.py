"""The connectors that are measured: each transforms a record, names one foreign key, and has one object written."""

from typing import Any, ClassVar

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    BaseInfo,
    Dependency,
    IntegrationConnector,
    OnNotify,
    TaskDataType,
    TaskType,
    TreeNode,
    TypeInfo,
    foreign_key,
)

__all__ = ["BusyConnector", "HeldConnector", "PersonConnector", "PersonInfo"]

_BUSY_STEPS = 20_000


class PersonInfo(BaseInfo):
    """A person with a boss."""

    __tablename__ = "bench_person"
    type_info = TypeInfo(object_type="bench.person", code_name="login")

    person_id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(100), unique=True)
    first_name: Mapped[str] = mapped_column(String(100))
    last_name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(200))
    postcode: Mapped[str] = mapped_column(String(10))
    active: Mapped[bool] = mapped_column()
    boss_id: Mapped[int | None] = foreign_key("bench_person.person_id", Dependency.REQUIRED)


class PersonConnector(IntegrationConnector):
    """Processes a task when it is logged."""

    name = "people"
    object_classes: ClassVar[tuple[type[BaseInfo | TreeNode], ...]] = (PersonInfo,)

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> PersonInfo:
        """Split the name, join the address."""
        first, _, last = obj["name"].partition(" ")
        return PersonInfo(
            # A person belongs to one connector only.
            login=f"{self.name}-{obj['login']}",
            first_name=first,
            last_name=last,
            email=obj["email"].lower(),
            address=f"{obj['street']}, {obj['city']}",
            postcode=obj["postcode"],
            active=obj["active"],
            boss_id=obj["boss"],
        )


class HeldConnector(PersonConnector):
    """Processes tasks when it is told to."""

    name = "held"
    trigger = OnNotify()


class BusyConnector(HeldConnector):
    """Computes for some milliseconds in Python before each object."""

    name = "busy"

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> PersonInfo:
        """Compute, and do as the others."""
        sum(number * number for number in range(_BUSY_STEPS))
        return super().prepare_internal_object(obj, task_type, data_type, site_name)
