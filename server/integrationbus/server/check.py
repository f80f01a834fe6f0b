"""Checks of a connector: what was looked at, and how it came out."""

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["CheckOutcome", "ConnectorCheck"]


class CheckOutcome(IntEnum):
    """How a check came out. Numbers are those of ``integrationbus.v1``."""

    PASSED = 1
    WARNING = 2
    FAILED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorCheck:
    """One check. ``message`` says what is wrong and what to do about it; empty when it passed."""

    subject: str
    outcome: CheckOutcome = CheckOutcome.PASSED
    message: str = ""
