"""The samples of a connector on an empty bus. It needs pytest.

A step that finds a rule broken skips the test: the rule has a test of its own, which fails.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import pytest

from integrationbus.client import NewTask, Task, TaskEffect, TaskState
from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.discovery import check_connector_class
from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import describe
from integrationbus.server.errors import BusError
from integrationbus.server.task import Task as StoredTask
from integrationbus.server.testing.failures import explain
from integrationbus.server.testing.harness import ConnectorHarness
from integrationbus.server.testing.probe import Content, Probe, content_or_problem

__all__ = ["Trial", "fail", "left_object", "name_of", "problem_of_class", "problem_of_constructor"]

_NOT_ALL_SUCCEED = "not every sample succeeds"


class Trial:
    """Does with the samples what the rules ask for."""

    def __init__(
        self, bus: ConnectorHarness, connector: type[IntegrationConnector], samples: Sequence[NewTask]
    ) -> None:
        self.bus = bus
        self._connector = connector
        self.samples = samples
        self.object_types = [describe(cls).object_type for cls in connector.object_classes]

    def process(self, task: NewTask) -> Task:
        """Log a task, run, and return the task as it is then. Skips the test when the bus refuses the task."""
        try:
            [logged] = self.bus.log_tasks([task])
        except (BusError, TypeError, ValueError):
            pytest.skip(_NOT_ALL_SUCCEED)
        self.bus.run()
        return self.bus.task(logged.id)

    def process_all(self) -> None:
        """Process the samples."""
        if not self.samples or self.first_failure():
            pytest.skip(_NOT_ALL_SUCCEED)

    def process_each_twice(self) -> Iterator[tuple[NewTask, Task, Task]]:
        """Process each sample twice; yields those that leave an object, with their tasks."""
        for sample in self.samples:
            first = self.process(sample)
            if first.state is not TaskState.SUCCEEDED:
                pytest.skip(_NOT_ALL_SUCCEED)
            if left_object(first):
                yield sample, first, self.process(sample)

    def first_failure(self) -> str:
        """Process the samples until one fails; returns what is wrong with that one."""
        for sample in self.samples:
            try:
                [logged] = self.bus.log_tasks([sample])
            except (BusError, TypeError, ValueError) as error:
                return f"the bus refuses {name_of(sample)}: {error}"
            self.bus.run()
            task = self.bus.task(logged.id)
            if task.state is not TaskState.SUCCEEDED:
                return f"{name_of(sample)} fails: {explain(task)}"
        return ""

    def stranger(self) -> str | None:
        """What is wrong with the first thing made that is of no declared class; None when nothing could be made."""
        probe = self.probe()
        for sample in self.samples:
            try:
                [task] = probe.log([sample])
                if not probe.calls_connector(task):
                    continue
                made = probe.call(task, probe.argument(task))
            except Exception:  # noqa: BLE001 - user code
                return None
            if not isinstance(made, InternalObject):
                return f"prepare_internal_object returned {made!r} for {name_of(sample)}: return an internal object"
            if describe(type(made)).object_type not in self.object_types:
                return f"{name_of(sample)} made a {type(made).__name__}: add the class to object_classes"
        return ""

    def contents(self) -> Sequence[Content]:
        """What a new instance makes of each sample that the connector is asked about."""
        made: list[Content] = []
        for _, task in self.logged(self.probe()):
            content = content_or_problem(self.probe(), task)
            if isinstance(content, str):
                pytest.skip(_NOT_ALL_SUCCEED)
            made.append(content)
        return made

    def attributes_set(self) -> Mapping[str, set[str]]:
        """What the samples and the connector set themselves, by object type."""
        probe = self.probe()
        found: dict[str, set[str]] = {}
        for prepared in map(probe.prepare, probe.log(self.samples)):
            names = {*prepared.main.values, *(key.attribute for key, _ in prepared.main.keys)}
            found.setdefault(prepared.object_class.object_type, set()).update(names)
        return found

    def probe(self) -> Probe:
        """A new instance of the connector."""
        return Probe(self.bus, self._connector())

    def logged(self, probe: Probe) -> Sequence[tuple[NewTask, StoredTask]]:
        """The samples that the connector is asked about, each with its task, which stays in the line."""
        try:
            tasks = probe.log(self.samples)
        except (BusError, TypeError, ValueError):
            pytest.skip(_NOT_ALL_SUCCEED)
        pairs = zip(self.samples, tasks, strict=True)
        return [(sample, task) for sample, task in pairs if probe.calls_connector(task)]

    def ids(self, object_type: str) -> set[int]:
        """The ids of all objects of a type."""
        return {item.id for item in self.bus.objects(object_type)}

    def all_ids(self) -> Mapping[str, set[int]]:
        """The ids of all objects of the connector's classes."""
        return {name: self.ids(name) for name in self.object_types}


def fail(message: str) -> NoReturn:
    """Fail the test with a message that stands for itself."""
    pytest.fail(message, pytrace=False)


def problem_of_class(connector: type[IntegrationConnector]) -> str:
    """Why the server cannot use the class; empty when it can."""
    try:
        check_connector_class(connector, connector.__qualname__)
    except Exception as error:  # noqa: BLE001 - SQLAlchemy has errors of its own for classes that it cannot map
        return str(error)
    return ""


def problem_of_constructor(connector: type[IntegrationConnector]) -> str:
    """What goes wrong when the class is made twice without arguments; empty when nothing does."""
    for time in ("first", "second"):
        try:
            connector()
        except Exception as error:  # noqa: BLE001 - user code
            return f"{connector.__name__}() raised the {time} time, {type(error).__name__}: {error}"
    return ""


def left_object(task: Task) -> tuple[str, int] | None:
    """The type and id of the object that a task created or updated; None when there is none."""
    result = task.result
    if result is None or result.object_id is None or result.effect not in (TaskEffect.CREATED, TaskEffect.UPDATED):
        return None
    return (result.object_type, result.object_id)


def name_of(sample: NewTask) -> str:
    """A sample as messages name it."""
    return f"the sample {sample.task_type.name} {sample.external_id or sample.payload!r}"
