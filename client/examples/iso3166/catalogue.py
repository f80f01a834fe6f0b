"""What the example synchronises: ISO 3166 from pycountry, in the forms in which the bus receives it."""

from collections.abc import Iterator
from typing import TypedDict

import pycountry

from integrationbus.examples.iso3166.v1.country_pb2 import Country

__all__ = ["Subdivision", "countries", "subdivisions"]


class Subdivision(TypedDict):
    """A subdivision as JSON. Country and parent are foreign keys, given as ISO codes."""

    code: str
    name: str
    type: str
    country_code: str
    parent_code: str | None


def countries() -> Iterator[Country]:
    """Every country, as the producer's own protobuf message."""
    for country in pycountry.countries:
        yield Country(
            alpha_2=country.alpha_2,
            alpha_3=country.alpha_3,
            numeric=country.numeric,
            name=country.name,
            official_name=getattr(country, "official_name", None),
            common_name=getattr(country, "common_name", None),
            flag=country.flag,
        )


def subdivisions() -> Iterator[Subdivision]:
    """Every subdivision in the order of the file, in which many come before their parent: those wait for it."""
    for subdivision in pycountry.subdivisions:
        yield Subdivision(
            code=subdivision.code,
            name=subdivision.name,
            type=subdivision.type,
            country_code=subdivision.country_code,
            parent_code=subdivision.parent_code,
        )
