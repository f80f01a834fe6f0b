"""Countries and their subdivisions after ISO 3166: a complete connector to read, run and copy from."""

from integrationbus.connectors.iso3166.connector import Iso3166Connector
from integrationbus.connectors.iso3166.country import CountryInfo
from integrationbus.connectors.iso3166.subdivision import SubdivisionInfo

__all__ = ["CountryInfo", "Iso3166Connector", "SubdivisionInfo"]
