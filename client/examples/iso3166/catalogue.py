"""What the example synchronises: ISO 3166 from pycountry, in the forms in which the bus receives it."""

from collections.abc import Iterator, Mapping
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
    """Every subdivision, parents before children: a foreign key can only be translated when its target is there."""
    parents = {item.code: item.parent_code for item in pycountry.subdivisions}
    for subdivision in sorted(pycountry.subdivisions, key=lambda item: (_depth(item.code, parents), item.code)):
        yield Subdivision(
            code=subdivision.code,
            name=subdivision.name,
            type=subdivision.type,
            country_code=subdivision.country_code,
            parent_code=subdivision.parent_code,
        )


def _depth(code: str, parents: Mapping[str, str | None]) -> int:
    """How many subdivisions this one lies within."""
    parent = parents[code]
    return 0 if parent is None else 1 + _depth(parent, parents)
