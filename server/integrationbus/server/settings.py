"""The settings of the server: one value, read and checked once."""

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Read from the environment, each with the prefix INTEGRATIONBUS_; command-line options go first."""

    model_config = SettingsConfigDict(env_prefix="INTEGRATIONBUS_", frozen=True)

    database_url: str = "sqlite:///integrationbus.db"
    """Where tasks and objects are kept: ``sqlite:///file`` or ``postgresql://user:password@host/name``."""
    listen: str = "127.0.0.1:50051"
    """The address to serve on; port 0 takes a free one. Without encryption only loopback addresses are served."""
    connectors: Annotated[tuple[str, ...], NoDecode] = ()
    """Connectors besides those of installed packages: ``module:Class`` or a connector file, separated by commas."""
    use_entry_points: bool = True
    """Whether to load the connectors of installed packages."""
    grace_seconds: float = Field(default=10.0, ge=0)
    """How long calls in flight may take when the server stops."""
    lease_seconds: float = Field(default=15.0, ge=1, le=600)
    """On PostgreSQL: for how long a replica that is no longer heard of keeps its connectors."""
    poll_seconds: float = Field(default=1.0, ge=0.1, le=60)
    """On PostgreSQL: how often a replica looks what others did, should their signals not come through."""
    signals: bool = True
    """On PostgreSQL: whether replicas hear of one another by LISTEN and NOTIFY, which some poolers do not pass on."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("connectors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            backend = make_url(value).get_backend_name()
        except ArgumentError:
            raise ValueError("must be a URL, for example sqlite:///integrationbus.db") from None
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"must be sqlite or postgresql, not {backend}")
        return value

    @property
    def database_name(self) -> str:
        """The URL of the database without its password."""
        return make_url(self.database_url).render_as_string(hide_password=True)
