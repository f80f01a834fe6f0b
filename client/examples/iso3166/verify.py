"""The judgement: everything that the bus holds is compared with pycountry, object by object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pycountry

from integrationbus.client import BusObject

__all__ = ["EXPECTED", "Figures", "ReadBack"]


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
        yield from _differences("subdivision", _expected_subdivisions(), self._translated_subdivisions())

    def _translated_subdivisions(self) -> Mapping[str, Mapping[str, object]]:
        """The subdivisions by code, with ISO codes again in place of the internal ids."""
        country_codes = {item.id: item.fields["alpha_2"] for item in self.countries}
        codes = {item.id: item.fields["code"] for item in self.subdivisions}
        return {
            code: {
                "name": fields["name"],
                "type": fields["type"],
                "country": country_codes.get(fields["country_id"], "no such country"),
                "parent": fields["parent_id"] and codes.get(fields["parent_id"], "no such subdivision"),
            }
            for code, fields in _by_code(self.subdivisions, "code").items()
        }
