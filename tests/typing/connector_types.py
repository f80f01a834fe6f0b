"""What type checkers see of the connector SDK. Never run: ``test_public_types`` lets mypy read it.

A line with ``type: ignore`` must be an error, or mypy says that it is not needed.
"""

from datetime import timedelta
from typing import assert_type
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    Accepts,
    BaseInfo,
    Cron,
    Dependency,
    DocumentParams,
    Every,
    ExternalId,
    IntegrationConnector,
    ObjectParams,
    OnNotify,
    RetryPolicy,
    TaskDataType,
    TaskType,
    TypeInfo,
    foreign_key,
    request_tasks_processing,
)
from integrationbus.examples.iso3166.v1.country_pb2 import Country


class CityInfo(BaseInfo):
    """An internal class as users write it."""

    __tablename__ = "geo_city"
    type_info = TypeInfo(object_type="geo.city", code_name="code")

    city_id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    mayor_id: Mapped[int | None] = foreign_key("cms_user.user_id", Dependency.NOT_REQUIRED)


class CityConnector(IntegrationConnector):
    """A connector as users write it."""

    name = "cities"
    object_classes = (CityInfo,)
    accepts = Accepts(messages=(Country,), content_types=("application/json",))
    trigger = Every(timedelta(minutes=5))
    retry = RetryPolicy(max_attempts=3)

    def prepare_internal_object(
        self, obj: Country, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> CityInfo:
        assert_type(obj.alpha_2, str)
        return CityInfo(code=obj.alpha_2)

    def get_internal_object_params(self, id: ExternalId, object_type: str) -> ObjectParams:  # noqa: A002 - the SDK's name
        assert_type(id, str | int)
        return ObjectParams(code_name=str(id))


class NightlyConnector(IntegrationConnector):
    """Any trigger fits."""

    trigger = Cron("0 3 * * *")


class PatientConnector(IntegrationConnector):
    """Any trigger fits."""

    trigger = OnNotify()


class MistakenConnector(IntegrationConnector):
    """Mistakes that a type checker finds."""

    name = 5  # type: ignore[assignment] # a name is a text
    trigger = timedelta(minutes=5)  # type: ignore[assignment] # an interval is no trigger
    object_classes = (str,)  # type: ignore[assignment] # no internal class

    def get_internal_object_params(self, id: int, object_type: str) -> ObjectParams:  # type: ignore[override] # noqa: A002 - keys may be texts
        return ObjectParams(code_name=str(id))


def params_are_given_by_name(guid: UUID) -> None:
    assert_type(ObjectParams(code_name="x", parent_id=2**70).code_name, str)
    assert_type(DocumentParams(node_guid=guid, culture_code="en", site_name="a").node_guid, UUID)
    ObjectParams("x")  # type: ignore[call-arg] # by name only
    DocumentParams(node_guid=guid, culture_code="en")  # type: ignore[call-arg] # a page needs all three


def values_are_frozen() -> None:
    RetryPolicy().max_attempts = 3  # type: ignore[misc] # frozen


def notify_says_what_happened_by_connector() -> None:
    assert_type(request_tasks_processing("localhost:50051"), dict[str, str])
    assert_type(request_tasks_processing("localhost:50051", "crm", timeout_seconds=5), dict[str, str])
