"""A row on its way to the target."""

from dataclasses import dataclass

from integrationbus.server.prepared import PreparedTask

__all__ = ["TargetRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A prepared task with its foreign keys translated and its values checked, by attribute name."""

    prepared: PreparedTask
    values: dict[str, object]
    notes: tuple[str, ...] = ()

    @property
    def external_id(self) -> str:
        """The caller's id for the object, or empty."""
        return self.prepared.task.external_id
