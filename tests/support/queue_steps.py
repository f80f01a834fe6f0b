"""What may happen to a queue that is driven at random."""

from dataclasses import dataclass

from hypothesis import strategies as st

from integrationbus.server.connector import HeadAction
from integrationbus.server.switches import Switch
from integrationbus.server.task import ProcessType, TaskActionKind

__all__ = ["NAME", "NAMES", "NEW_TASKS", "PEOPLE", "STEP", "NewTask"]

NAMES = ("eager", "lazy")
PEOPLE = 7


@dataclass(frozen=True)
class NewTask:
    """What a task is to be. ``limit`` is how many minutes it waits at most."""

    kind: str
    person: int
    process_type: ProcessType
    boss: int | None
    waits: bool
    limit: int | None


NAME = st.sampled_from(NAMES)
_NEW_TASK = st.builds(
    NewTask,
    kind=st.sampled_from(["write", "write", "write", "write", "delete", "delete", "raise", "flaky", "flaky"]),
    person=st.integers(0, PEOPLE - 1),
    process_type=st.sampled_from(ProcessType),
    boss=st.none() | st.integers(0, PEOPLE - 1) | st.integers(0, PEOPLE - 1),
    waits=st.sampled_from([True, True, False]),
    limit=st.sampled_from([None, 30, 90]),
)
NEW_TASKS = st.lists(_NEW_TASK, min_size=2, max_size=6)

# One rule for all of them: hypothesis leaves whole rules out of an example, and then hardly anything meets.
_STEPS: dict[str, tuple[int, st.SearchStrategy[object]]] = {
    "log": (7, st.tuples(NAME, NEW_TASKS)),
    "notify": (3, st.tuples(NAME, st.booleans())),
    "act": (6, st.tuples(NAME, st.integers(0, 1000), st.sampled_from(TaskActionKind))),
    "resume": (4, st.tuples(NAME, st.sampled_from(HeadAction))),
    "break_down": (3, st.tuples(NAME, st.integers(1, 4))),
    "advance": (5, st.tuples(st.sampled_from([10, 20, 40, 100]))),
    "purge": (2, st.tuples(st.sampled_from([720, 1440]))),
    "cancel": (1, st.tuples(NAME)),
    "restart": (2, st.tuples(st.sampled_from([0, 40, 100]))),
    "pause": (1, st.tuples(NAME)),
    "disable": (1, st.tuples(NAME)),
    "switch_off": (1, st.tuples(st.sampled_from(Switch))),
    "put_on": (4, st.tuples()),
}
STEP = st.sampled_from([name for name, (weight, _) in _STEPS.items() for _ in range(weight)]).flatmap(
    lambda name: st.tuples(st.just(name), _STEPS[name][1])
)
