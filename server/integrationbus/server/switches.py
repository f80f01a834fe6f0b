"""The switches of the whole bus."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

__all__ = ["Switch", "SwitchState"]


class Switch(IntEnum):
    """What can be switched off for all connectors at once."""

    BUS = 1
    LOGGING = 2
    PROCESSING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchState:
    """Where a switch stands, and who put it there; ``changed_at`` is None when nobody has."""

    switch: Switch
    on: bool
    changed_by: str
    reason: str
    changed_at: datetime | None
