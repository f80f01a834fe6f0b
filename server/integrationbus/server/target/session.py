"""What the parts of the target share within one transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection

from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.target.translate import Translator

__all__ = ["TargetSession"]


@dataclass(frozen=True, slots=True)
class TargetSession:
    """A transaction on behalf of a connector."""

    connection: Connection
    connector_id: int
    catalog: ClassCatalog
    translator: Translator
