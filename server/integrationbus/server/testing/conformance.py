"""The tests that every connector should pass. It needs pytest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import ClassVar

import pytest

from integrationbus.client import NewTask, Payload, PreparedObject, ProcessType, RunState, TaskState, TaskType
from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.object_class import describe
from integrationbus.server.errors import ConnectorUnhealthy, InvalidRequest
from integrationbus.server.task import TaskType as StoredTaskType
from integrationbus.server.testing.failures import explain
from integrationbus.server.testing.harness import ConnectorHarness
from integrationbus.server.testing.probe import content_or_problem, difference, stable_fields
from integrationbus.server.testing.trial import (
    Trial,
    fail,
    left_object,
    name_of,
    problem_of_class,
    problem_of_constructor,
)
from integrationbus.server.testing.unusable import unusable_payloads

__all__ = ["ConnectorConformance"]

_NOT_USABLE = "the server cannot use the class"
_NOT_MADE = "the class cannot be made without arguments"


class ConnectorConformance:
    """One test for each rule; subclass it as ``Test...``. A rule that makes no sense without another skips with it.

    ``connector`` is the class. ``samples`` are tasks that succeed one after the other on an empty bus; give some of
    each kind that the connector knows. ``given`` are objects that must be there before, for example the site of pages.
    ``unusable`` are payloads that the connector must fail; by default an empty record, empty JSON and bytes that mean
    nothing, as far as it accepts them. To leave out a rule, set its test to None in the subclass.
    """

    connector: ClassVar[type[IntegrationConnector]]
    samples: ClassVar[Sequence[NewTask]] = ()
    given: ClassVar[Sequence[PreparedObject]] = ()
    unusable: ClassVar[Sequence[Payload] | None] = None

    def open_bus(self) -> ConnectorHarness:
        """A bus with an empty database. Override it for another kind of database; two may be open at a time."""
        return ConnectorHarness(self.connector)

    def test_the_server_accepts_the_class(self) -> None:
        """Discovery takes the class, and its tables and schedule fit."""
        if problem := problem_of_class(self.connector):
            fail(f"the server cannot use the class: {problem}")
        if problem_of_constructor(self.connector):
            pytest.skip(_NOT_MADE)
        opened = self._open_bus()
        if isinstance(opened, str):
            fail(opened)
        opened.close()

    def test_the_constructor_needs_nothing(self) -> None:
        """The class can be made without arguments, more than once."""
        if problem_of_class(self.connector):
            pytest.skip(_NOT_USABLE)
        if problem := problem_of_constructor(self.connector):
            fail(
                f"{problem}; the server makes it without arguments: read settings from the environment, and connect "
                "when the connection is needed"
            )

    def test_it_makes_objects_of_its_object_classes(self) -> None:
        """What ``prepare_internal_object`` returns is an instance of one of ``object_classes``."""
        with self._trial() as trial:
            problem = trial.stranger()
            if problem is None:
                pytest.skip("not every sample succeeds")
            if problem:
                fail(problem)

    def test_every_sample_succeeds(self) -> None:
        """There are samples, and each is processed."""
        if not self.samples:
            fail("samples is empty: give tasks that the connector is to process")
        with self._trial() as trial, self._trial() as other:
            if other.stranger():
                pytest.skip("it makes objects that are not among its object_classes")
            if problem := trial.first_failure():
                fail(problem)

    def test_a_sample_again_updates_its_object(self) -> None:
        """A task that comes twice leaves one object."""
        with self._trial() as trial:
            for sample, first, second in trial.process_each_twice():
                if second.state is not TaskState.SUCCEEDED:
                    fail(f"{name_of(sample)} succeeds once and fails the second time: {explain(second)}")
                if left_object(first) != left_object(second):
                    fail(
                        f"{name_of(sample)} made {left_object(first)}, and {left_object(second)} when it came again: "
                        "set a code name that stays the same, and no new GUID each time"
                    )

    def test_every_start_makes_the_same_objects(self) -> None:
        """The samples make equal objects on two empty buses, apart from GUIDs and computed defaults."""
        with self._trial() as trial, self._trial() as other:
            trial.process_all()
            other.process_all()
            asked = trial.attributes_set()
            for object_class in map(describe, self.connector.object_classes):
                name = object_class.object_type
                first, second = (
                    stable_fields(object_class, each.bus.objects(name), asked.get(name, ())) for each in (trial, other)
                )
                if first != second:
                    fail(
                        f"the samples make other objects of {name} on a second empty bus: {difference(first, second)}; "
                        "take values from the payload, not from the clock or at random"
                    )

    def test_a_deletion_deletes_the_object_of_its_sample(self) -> None:
        """The payload of a sample is enough to find its object for a deletion."""
        with self._trial() as trial:
            made: dict[tuple[str, int], NewTask] = {}
            for sample, first, second in trial.process_each_twice():
                place = left_object(first)
                if place is None or place != left_object(second):
                    pytest.skip("a sample does not find its object again")
                made[place] = sample
            for (object_type, object_id), sample in reversed(made.items()):
                # A later sample may have deleted it, or the deletion of what it depends on.
                if object_id not in trial.ids(object_type):
                    continue
                task = trial.process(replace(sample, task_type=_deletion_of(sample)))
                if task.state is not TaskState.SUCCEEDED:
                    fail(f"a deletion with the payload of {name_of(sample)} fails: {explain(task)}")
                if object_id in trial.ids(object_type):
                    fail(
                        f"a deletion with the payload of {name_of(sample)} leaves its {object_type} as it was: set "
                        "what identifies the object for deletions as well"
                    )

    def test_the_payload_is_left_as_it_was(self) -> None:
        """``prepare_internal_object`` does not change its argument."""
        with self._trial() as trial:
            trial.contents()
            probe = trial.probe()
            for sample, task in trial.logged(probe):
                argument = probe.argument(task)
                before = deepcopy(argument)
                probe.call(task, argument)
                if argument != before:
                    fail(
                        f"prepare_internal_object changed what it was given for {name_of(sample)}: {before!r} became "
                        f"{argument!r}; read the payload, or copy it first"
                    )

    def test_calls_share_no_state(self) -> None:
        """What a sample makes does not depend on the calls before."""
        with self._trial() as trial:
            expected = trial.contents()
            if expected != trial.contents():
                pytest.skip("a sample makes something else each time, even in a new instance")
            probe = trial.probe()
            cases = list(zip(trial.logged(probe), expected, strict=True))
            for (sample, task), wanted in [*cases, *reversed(cases)]:
                found = content_or_problem(probe, task)
                if found != wanted:
                    fail(
                        f"{name_of(sample)} makes {found!r} after other calls, and {wanted!r} in a new instance: keep "
                        "nothing of one call for the next"
                    )

    def test_a_key_leads_to_the_same_place_every_time(self) -> None:
        """``get_internal_object_params`` and ``get_internal_document_params`` answer by the id alone."""
        with self._trial() as trial:
            trial.contents()
            probe, other = trial.probe(), trial.probe()
            for _, task in trial.logged(probe):
                first = probe.places_of_keys(task)
                for again in (probe.places_of_keys(task), other.places_of_keys(task)):
                    for key in sorted(first.keys() & again.keys()):
                        if first[key] != again[key]:
                            fail(
                                f"asked twice for {' '.join(key)}, the connector says {first[key]} and {again[key]}: "
                                "answer by the id alone"
                            )

    def test_an_unusable_payload_fails_its_task_alone(self) -> None:
        """Payloads that mean nothing fail, leave nothing behind, and do not keep others from being processed."""
        if not self.samples:
            pytest.skip("samples is empty")
        with self._trial(self.samples[:1]) as trial:
            payloads = unusable_payloads(self.connector.accepts) if self.unusable is None else self.unusable
            before = trial.all_ids()
            logged = [
                task for number, payload in enumerate(payloads) for task in self._log_unusable(trial, number, payload)
            ]
            if not logged:
                pytest.skip("the bus refuses every payload that is unusable; set unusable to some that it takes")
            run = trial.bus.run()
            if trial.all_ids() != before:
                fail(
                    f"one of the payloads {[*payloads]}, which mean nothing, left an object behind: raise an exception "
                    "for what cannot be used"
                )
            for task in map(trial.bus.task, logged):
                if task.state is TaskState.SUCCEEDED:
                    fail(f"{task.payload!r} means nothing, and its task succeeded: raise an exception for it")
            if run.state is not RunState.COMPLETED:
                fail(
                    f"the run is {run.state.name} at an unusable payload, and the tasks behind it wait: raise "
                    "RetryableError only when the same payload may succeed later"
                )
            if problem := trial.first_failure():
                with self._trial(self.samples[:1]) as other:
                    other.process_all()
                fail(f"after unusable payloads a usable one fails: {problem}")

    def _log_unusable(self, trial: Trial, number: int, payload: Payload) -> list[str]:
        """Log a payload in place of the first sample's; nothing when the bus refuses it."""
        task = replace(
            self.samples[0],
            payload=payload,
            external_id=f"unusable-{number}",
            process_type=ProcessType.SKIP_ON_ERROR,
        )
        try:
            return [logged.id for logged in trial.bus.log_tasks([task])]
        except InvalidRequest:
            return []

    def _open_bus(self) -> ConnectorHarness | str:
        """A bus, or why the connector cannot be used on one."""
        try:
            return self.open_bus()
        except ConnectorUnhealthy as error:
            return str(error)

    @contextmanager
    def _trial(self, samples: Sequence[NewTask] | None = None) -> Iterator[Trial]:
        """All samples, or those, on an empty bus; skips the test when the class cannot be used."""
        if problem_of_class(self.connector):
            pytest.skip(_NOT_USABLE)
        if problem_of_constructor(self.connector):
            pytest.skip(_NOT_MADE)
        opened = self._open_bus()
        if isinstance(opened, str):
            pytest.skip(_NOT_USABLE)
        with opened as bus:
            for item in self.given:
                bus.given(item.object_type, item.fields)
            yield Trial(bus, self.connector, self.samples if samples is None else samples)


def _deletion_of(sample: NewTask) -> TaskType:
    is_page = StoredTaskType(sample.task_type).is_for_pages
    return TaskType.DELETE_DOCUMENT if is_page else TaskType.DELETE_OBJECT
