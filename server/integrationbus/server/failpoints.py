"""Places at which a test can break the server. For tests only: nothing happens unless one is armed.

INTEGRATIONBUS_FAILPOINTS holds them, separated by commas: ``name=action`` or ``name=action@n``, for example
``append.after_commit=kill@3``: the third time that a process comes there, it ends.
"""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from integrationbus.server.errors import OutcomeUnknown

__all__ = ["FAILPOINTS", "VARIABLE", "arm", "reach"]

VARIABLE = "INTEGRATIONBUS_FAILPOINTS"

FAILPOINTS = (
    "append.before_commit",
    "append.after_commit",
    "lease.before_commit",
    "lease.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "apply.before_write",
    "apply.after_write",
    "settle.before_ledger",
    "settle.before_fence",
    "settle.before_commit",
    "settle.after_commit",
    "settle.before_wake_up",
)
"""Every name, in the order in which a task comes by."""


class _Action(Enum):
    """What happens at a failpoint."""

    KILL = "kill"
    """The process ends at once, as by SIGKILL."""
    STOP = "stop"
    """The process stands still until it gets SIGCONT."""
    ERROR = "error"
    """OutcomeUnknown is raised, once."""


@dataclass(slots=True)
class _Armed:
    """What happens, and how many times the place is passed before that."""

    action: _Action
    passes_left: int
    guard: threading.Lock = field(default_factory=threading.Lock)

    def is_due(self) -> bool:
        """Count a pass; whether this is the one."""
        with self.guard:
            self.passes_left -= 1
            return self.passes_left == -1


_armed: Mapping[str, _Armed] = MappingProxyType({})


def arm(text: str) -> bool:
    """Arm what the text says, and nothing else; whether that is anything. Raises ValueError for an unknown name."""
    global _armed  # noqa: PLW0603 - they are of the process, which is what they break
    _armed = dict(_parsed(part.strip()) for part in text.split(",") if part.strip())
    return bool(_armed)


def reach(name: str) -> None:
    """Do what is armed here. Raises OutcomeUnknown if that is an error."""
    if _armed and (armed := _armed.get(name)) is not None and armed.is_due():
        _act(name, armed.action)


def _act(name: str, action: _Action) -> None:
    match action:
        case _Action.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case _Action.STOP:
            # To this very thread, so that it does not go one step further.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        case _Action.ERROR:
            raise OutcomeUnknown(f"the failpoint {name} was reached")


def _parsed(text: str) -> tuple[str, _Armed]:
    name, _, rest = text.partition("=")
    action, _, number = rest.partition("@")
    if name not in FAILPOINTS:
        raise ValueError(f"{VARIABLE}: there is no failpoint {name!r}; there are {', '.join(FAILPOINTS)}")
    if action not in {each.value for each in _Action}:
        raise ValueError(f"{VARIABLE}: {name} cannot do {action!r}; it can {', '.join(each.value for each in _Action)}")
    if number and (not number.isdecimal() or int(number) < 1):
        raise ValueError(f"{VARIABLE}: {text} needs a number from 1 after the @, or no @")
    return name, _Armed(action=_Action(action), passes_left=int(number or 1) - 1)
