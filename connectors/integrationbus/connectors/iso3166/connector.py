"""The connector: two kinds of payload in, two kinds of object out."""

from typing import Any

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.iso3166.country import CountryInfo
from integrationbus.connectors.iso3166.subdivision import SubdivisionInfo
from integrationbus.connectors.keys import ExternalId, ObjectParams
from integrationbus.connectors.models import BaseInfo
from integrationbus.connectors.policies import Accepts, WaitForMissingKey
from integrationbus.connectors.task_types import TaskDataType, TaskType
from integrationbus.examples.iso3166.v1.country_pb2 import Country

__all__ = ["Iso3166Connector"]


class Iso3166Connector(IntegrationConnector):
    """Takes countries as the protobuf message Country and subdivisions as JSON.

    A subdivision is ``{"code", "name", "type", "country_code", "parent_code"}``; ``parent_code`` may be null or absent.
    """

    name = "iso3166"
    display_name = "ISO 3166"
    object_classes = (CountryInfo, SubdivisionInfo)
    # Registries list their entries in any order, also before the ones that they belong to.
    missing_key = WaitForMissingKey()
    accepts = Accepts(record=False, messages=(Country,), content_types=("application/json",), prepared=False)

    def prepare_internal_object(
        self,
        obj: Any,  # noqa: ANN401 - a Country, or whatever the JSON of a caller says
        task_type: TaskType,
        data_type: TaskDataType,
        site_name: str | None,
    ) -> BaseInfo:
        """Make a country of a message and a subdivision of JSON."""
        match obj:
            case Country():
                return _country(obj)
            case {"code": code} if task_type.is_deletion:
                return SubdivisionInfo(code=code)
            case {"code": code, "name": name, "type": kind, "country_code": country_code}:
                return SubdivisionInfo(
                    code=code, name=name, type=kind, country_id=country_code, parent_id=obj.get("parent_code")
                )
        raise ValueError("a subdivision is a JSON object with code, name, type, country_code and perhaps parent_code")

    def get_internal_object_params(self, id: ExternalId, object_type: str) -> ObjectParams:  # noqa: A002
        """Both kinds of key are ISO codes, and the ISO code is the code name of either class."""
        return ObjectParams(code_name=str(id))


def _country(country: Country) -> CountryInfo:
    if not country.alpha_2:  # protobuf cannot tell an empty code from one that was not set
        raise ValueError("a country has an alpha_2")
    return CountryInfo(
        alpha_2=country.alpha_2,
        alpha_3=country.alpha_3,
        numeric=country.numeric,
        name=country.name,
        official_name=country.official_name if country.HasField("official_name") else None,
        common_name=country.common_name if country.HasField("common_name") else None,
        flag=country.flag,
    )
