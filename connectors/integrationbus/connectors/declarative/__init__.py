"""Connectors that are described in a YAML or TOML file. Needs the extra ``declarative``."""

from integrationbus.connectors.declarative.faults import Fault, InvalidConnectorFile, Position
from integrationbus.connectors.declarative.load import check_file, connector_class

__all__ = ["Fault", "InvalidConnectorFile", "Position", "check_file", "connector_class"]
