"""The settings of the server: one value, read and checked once."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from integrationbus.server.address import is_host_and_port
from integrationbus.server.retention import Retention, read_duration

__all__ = ["Settings"]

Kept = Annotated[
    timedelta | None, BeforeValidator(lambda value: read_duration(value) if isinstance(value, str) else value)
]
"""How long something is kept; None is for ever."""

_USUAL = Retention()


def _in_small_letters(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """Read from the environment, each with the prefix INTEGRATIONBUS_; command-line options go first."""

    model_config = SettingsConfigDict(env_prefix="INTEGRATIONBUS_", frozen=True)

    database_url: str = "sqlite:///integrationbus.db"
    """Where tasks and objects are kept: ``sqlite:///file`` or ``postgresql://user:password@host/name``."""
    target_url: str = ""
    """Where objects, pages and the key map are kept, if not there: a URL of the same kinds. Set it from the start."""
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
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_in_small_letters)] = "info"
    """What is written to the standard error."""
    retain_succeeded: Kept = _USUAL.succeeded
    """How long SUCCEEDED tasks are kept: such as "30 days" or "12 hours"; 0 or nothing is for ever."""
    retain_failed: Kept = _USUAL.failed
    """How long FAILED and SKIPPED tasks are kept that are out of the line."""
    retain_deleted: Kept = _USUAL.deleted
    """How long DELETED tasks are kept."""
    retain_events: Kept = _USUAL.events
    """How long changes of tasks are kept, from which watches resume; at most as long as tasks."""
    retain_request_ids: Kept = _USUAL.request_ids
    """How long a request id is remembered."""
    retain_runs: Kept = _USUAL.runs
    """How long ended runs are kept."""

    @field_validator("connectors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not is_host_and_port(value):
            raise ValueError("must be HOST:PORT with a port from 0 to 65535, for example 127.0.0.1:50051")
        return value

    @field_validator("database_url", "target_url")
    @classmethod
    def _known_database(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.field_name == "target_url":
            return value
        try:
            backend = make_url(value).get_backend_name()
        except (ArgumentError, ValueError):
            raise ValueError("must be a URL, for example sqlite:///integrationbus.db") from None
        if backend not in ("sqlite", "postgresql"):
            raise ValueError(f"must be sqlite or postgresql, not {backend}")
        return value

    @model_validator(mode="after")
    def _retention_fits(self) -> Self:
        _ = self.retention
        return self

    @property
    def retention(self) -> Retention:
        """How long what is over is kept."""
        return Retention(
            succeeded=self.retain_succeeded,
            failed=self.retain_failed,
            deleted=self.retain_deleted,
            events=self.retain_events,
            request_ids=self.retain_request_ids,
            runs=self.retain_runs,
        )

    @field_validator("target_url")
    @classmethod
    def _another_database(cls, value: str, info: ValidationInfo) -> str:
        # A database_url that does not fit is missing here, and reported by itself.
        queue: str | None = info.data.get("database_url")
        if value and queue and _place_of(value) == _place_of(queue):
            raise ValueError("must be another database than database_url; leave it out to have one for both")
        return value

    @property
    def database_name(self) -> str:
        """The URL of the database without its password."""
        return make_url(self.database_url).render_as_string(hide_password=True)

    @property
    def target_name(self) -> str:
        """The URL of the target without its password; empty when it is the database itself."""
        return make_url(self.target_url).render_as_string(hide_password=True) if self.target_url else ""


def _place_of(url: str) -> tuple[object, ...]:
    """What tells one database from another, whoever connects to it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return (Path(parsed.database or "").resolve(),)
    host, port = (parsed.query.get(name) for name in ("host", "port"))
    return (parsed.host or host, int(parsed.port or str(port or 5432)), parsed.database)
