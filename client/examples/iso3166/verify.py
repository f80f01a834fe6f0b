"""The judgement: everything that the bus holds is compared with pycountry, object by object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pycountry

from integrationbus.client import AsyncClient, BusObject, FieldValue

__all__ = ["EXPECTED", "Figures", "ReadBack", "read_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many objects of each kind there are."""

    countries: int
    subdivisions: int
    with_parent: int


EXPECTED = Figures(countries=249, subdivisions=5046, with_parent=1456)
"""ISO 3166 as of the pinned version of pycountry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """The objects as ObjectService returned them; foreign keys are internal ids."""

    countries: Sequence[BusObject]
    subdivisions: Sequence[BusObject]

    def figures(self) -> Figures:
        """Count them."""
        return Figures(
            countries=len(self.countries),
            subdivisions=len(self.subdivisions),
            with_parent=sum(item.fields["parent_id"] is not None for item in self.subdivisions),
        )

    def problems(self) -> Iterator[str]:
        """Say what is wrong, a line for each fault; nothing when all is right."""
        if self.figures() != EXPECTED:
            yield f"expected {EXPECTED}, got {self.figures()}"
        yield from _differences("country", _expected_countries(), _by_code(self.countries, "alpha_2"))
        yield from _differences("subdivision", _expected_subdivisions(), self.translated_subdivisions())

    def translated_subdivisions(self) -> Mapping[str, Mapping[str, FieldValue]]:
        """The subdivisions by code, with ISO codes again in place of the internal ids."""
        country_codes = {item.id: item.code_name for item in self.countries}
        codes = {item.id: item.code_name for item in self.subdivisions}
        return {
            code: {
                "name": fields["name"],
                "type": fields["type"],
                "country": _code(fields["country_id"], country_codes),
                "parent": _code(fields["parent_id"], codes),
            }
            for code, fields in _by_code(self.subdivisions, "code").items()
        }


async def read_back(client: AsyncClient) -> ReadBack:
    """Read every country and every subdivision that the bus holds."""
    return ReadBack(
        countries=[item async for item in client.list_objects("iso3166.country")],
        subdivisions=[item async for item in client.list_objects("iso3166.subdivision")],
    )


def _by_code(objects: Sequence[BusObject], code: str) -> Mapping[str, Mapping[str, FieldValue]]:
    """The other fields of each object by its code."""
    return {
        str(item.fields[code]): {name: value for name, value in item.fields.items() if name != code} for item in objects
    }


def _code(internal_id: FieldValue, codes: Mapping[int, str]) -> str | None:
    """The ISO code of the object with this id; a text that is no code when there is none."""
    if internal_id is None:
        return None
    found = codes.get(internal_id) if isinstance(internal_id, int) else None
    return found or f"nothing with the id {internal_id!r}"


def _expected_countries() -> Mapping[str, Mapping[str, FieldValue]]:
    return {
        country.alpha_2: {
            "alpha_3": country.alpha_3,
            "numeric": country.numeric,
            "name": country.name,
            "official_name": getattr(country, "official_name", None),
            "common_name": getattr(country, "common_name", None),
            "flag": country.flag,
        }
        for country in pycountry.countries
    }


def _expected_subdivisions() -> Mapping[str, Mapping[str, FieldValue]]:
    return {
        subdivision.code: {
            "name": subdivision.name,
            "type": subdivision.type,
            "country": subdivision.country_code,
            "parent": subdivision.parent_code,
        }
        for subdivision in pycountry.subdivisions
    }


def _differences(
    kind: str, expected: Mapping[str, Mapping[str, FieldValue]], found: Mapping[str, Mapping[str, FieldValue]]
) -> Iterator[str]:
    for code in sorted(expected.keys() | found.keys()):
        if code not in found:
            yield f"{kind} {code} is missing"
        elif code not in expected:
            yield f"{kind} {code} should not be there"
        elif expected[code] != found[code]:
            yield f"{kind} {code} should be {dict(expected[code])}, but is {dict(found[code])}"
