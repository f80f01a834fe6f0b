"""The connector iso3166, without a server."""

from typing import Any

import pytest

from integrationbus.connectors import BaseInfo, Dependency, ObjectParams, TaskDataType, TaskType
from integrationbus.connectors.discovery import find_connectors
from integrationbus.connectors.iso3166 import CountryInfo, Iso3166Connector, SubdivisionInfo
from integrationbus.connectors.object_class import describe
from integrationbus.examples.iso3166.v1.country_pb2 import Country

BOLIVIA = Country(
    alpha_2="BO",
    alpha_3="BOL",
    numeric="068",
    name="Bolivia, Plurinational State of",
    official_name="Plurinational State of Bolivia",
    common_name="Bolivia",
    flag="🇧🇴",
)
BABEK = {"code": "AZ-BAB", "name": "Babək", "type": "Rayon", "country_code": "AZ", "parent_code": "AZ-NX"}


def prepare(obj: object, task_type: TaskType = TaskType.UPDATE_OBJECT) -> BaseInfo:
    return Iso3166Connector().prepare_internal_object(obj, task_type, TaskDataType.SIMPLE_SNAPSHOT, None)


def attributes(obj: BaseInfo) -> dict[str, Any]:
    """The attributes that the connector has set: those are what the bus writes."""
    return {name: value for name, value in vars(obj).items() if not name.startswith("_")}


def test_it_is_loaded_by_setting() -> None:
    found = find_connectors(["integrationbus.connectors.iso3166:Iso3166Connector"], use_entry_points=False)
    assert [(item.name, item.problem) for item in found] == [("iso3166", "")]


def test_it_takes_countries_as_messages_and_subdivisions_as_json() -> None:
    assert list(Iso3166Connector.accepts.names()) == [
        "message:integrationbus.examples.iso3166.v1.Country",
        "encoded:application/json",
    ]


def test_a_country() -> None:
    country = prepare(BOLIVIA)
    assert isinstance(country, CountryInfo)
    assert attributes(country) == {
        "alpha_2": "BO",
        "alpha_3": "BOL",
        "numeric": "068",
        "name": "Bolivia, Plurinational State of",
        "official_name": "Plurinational State of Bolivia",
        "common_name": "Bolivia",
        "flag": "🇧🇴",
    }


def test_names_that_a_country_does_not_have_become_null() -> None:
    country = prepare(Country(alpha_2="AW", name="Aruba"))
    assert attributes(country)["official_name"] is None
    assert attributes(country)["common_name"] is None


def test_the_keys_of_a_subdivision_are_iso_codes() -> None:
    subdivision = prepare(BABEK)
    assert isinstance(subdivision, SubdivisionInfo)
    assert attributes(subdivision) == {
        "code": "AZ-BAB",
        "name": "Babək",
        "type": "Rayon",
        "country_id": "AZ",
        "parent_id": "AZ-NX",
    }


@pytest.mark.parametrize(
    "obj", [{**BABEK, "parent_code": None}, {k: v for k, v in BABEK.items() if k != "parent_code"}]
)
def test_a_subdivision_without_a_parent_has_null_there(obj: dict[str, Any]) -> None:
    assert attributes(prepare(obj))["parent_id"] is None


def test_a_deletion_needs_only_the_code() -> None:
    assert attributes(prepare({"code": "AZ-BAB"}, TaskType.DELETE_OBJECT)) == {"code": "AZ-BAB"}
    assert attributes(prepare(Country(alpha_2="BO"), TaskType.DELETE_OBJECT))["alpha_2"] == "BO"


@pytest.mark.parametrize("obj", [None, [], "AZ-BAB", {}, {"code": "AZ-BAB"}, b"\x00"])
def test_anything_else_is_refused_with_what_would_be_right(obj: object) -> None:
    with pytest.raises(ValueError, match="a subdivision is a JSON object with code, name"):
        prepare(obj)


@pytest.mark.parametrize("task_type", [TaskType.UPDATE_OBJECT, TaskType.DELETE_OBJECT])
def test_a_country_without_a_code_is_refused(task_type: TaskType) -> None:
    with pytest.raises(ValueError, match="a country has an alpha_2"):
        prepare(Country(name="Atlantis"), task_type)


def test_a_key_is_looked_up_by_code_name() -> None:
    connector = Iso3166Connector()
    assert connector.get_internal_object_params("AZ", "iso3166.country") == ObjectParams(code_name="AZ")
    assert connector.get_internal_object_params("AZ-NX", "iso3166.subdivision") == ObjectParams(code_name="AZ-NX")


def test_a_code_that_fits_nothing_must_fail_and_an_absent_parent_must_not() -> None:
    described = describe(SubdivisionInfo)
    assert {key.attribute: key.dependency for key in described.foreign_keys} == {
        "country_id": Dependency.REQUIRED,
        "parent_id": Dependency.REQUIRED,
    }
    assert described.columns["parent_id"].nullable
    assert not described.columns["country_id"].nullable
