"""What a missing and a deleted target mean to classes of a connector file, by the kind of the dependency."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench import Workbench, new_task
from support.clocks import ManualClock

from integrationbus.server.task import NewTask, ProcessType, Task, TaskType

FILE = """\
name: garden
classes:
  - object_type: garden.bed
    table: garden_bed
    code_name: name
    columns:
      name: {type: text, length: 50}
  - object_type: garden.plant
    table: garden_plant
    code_name: name
    columns:
      name: {type: text, length: 50}
      bed_id: {references: garden.bed, depends: required_has_default, default_code_name: compost}
      neighbour_id: {references: garden.plant, depends: not_required, nullable: true}
  - object_type: garden.watering
    table: garden_watering
    columns:
      bed_id: {references: garden.bed, depends: binding}
      plant_id: {references: garden.plant, depends: binding}
mappings:
  - class: garden.bed
    when: object.kind == 'bed'
    fields: {name: object.name}
  - class: garden.plant
    when: object.kind == 'plant'
    fields:
      name: object.name
      bed_id: {value: object.bed, optional: true}
      neighbour_id: {value: object.neighbour, optional: true}
  - class: garden.watering
    when: object.kind == 'watering'
    fields: {bed_id: object.bed, plant_id: object.plant}
"""

DELETE = TaskType.DELETE_OBJECT


@pytest.fixture
def garden(tmp_path: Path, clock: ManualClock) -> Iterator[Workbench]:
    """A bus on SQLite with the connector of the file, and the beds "compost" and "sun"."""
    path = tmp_path / "garden.yaml"
    path.write_text(FILE)
    with Workbench(f"sqlite:///{tmp_path / 'bus.db'}", clock, [str(path)]) as bus:
        for name in ("compost", "sun"):
            assert done(bus, task("bed", name=name)).result
        yield bus


def task(kind: str, task_type: TaskType = TaskType.CREATE_OBJECT, **fields: object) -> NewTask:
    """A task that halts nothing when it fails; beds and plants are known by their names."""
    return new_task(
        {"kind": kind, **fields},
        connector="garden",
        task_type=task_type,
        external_id=str(fields.get("name", "")),
        process_type=ProcessType.DELETE_ON_ERROR,
    )


def done(bus: Workbench, new: NewTask) -> Task:
    """The task after a run."""
    bus.log(new)
    bus.process("garden")
    return bus.task(new.id)


def outcome(settled: Task) -> tuple[str, ...]:
    """The reason and the attributes of a failure, or the effect with its notes."""
    if settled.result is None:
        assert settled.last_error
        return (settled.last_error.reason, *settled.last_error.field_paths)
    return (settled.result.effect.name, *settled.result.notes)


def test_required_has_default(garden: Workbench) -> None:
    made = done(garden, task("plant", name="rose", bed="moon"))
    note = "garden.plant.bed_id was set to the default 'compost': there is no garden.bed 'moon'"
    assert outcome(made) == ("CREATED", note)
    assert outcome(done(garden, task("plant", name="oak", bed="sun"))) == ("CREATED",)
    beds = [garden.fields_of("garden.plant", name)["bed_id"] for name in ("rose", "oak")]
    assert beds == [1, 2]
    assert outcome(done(garden, task("bed", DELETE, name="sun"))) == ("DELETED",)
    assert garden.fields_of("garden.plant", "oak")["bed_id"] == 1, "the default takes the place of what is deleted"
    assert outcome(done(garden, task("bed", DELETE, name="compost"))) == ("TARGET_REFUSED",), "it has no default"


def test_not_required(garden: Workbench) -> None:
    made = done(garden, task("plant", name="rose", bed="sun", neighbour="nobody"))
    assert outcome(made) == (
        "CREATED",
        "garden.plant.neighbour_id was left empty: there is no garden.plant 'nobody'",
    )
    done(garden, task("plant", name="oak", bed="sun", neighbour="rose"))
    assert garden.fields_of("garden.plant", "oak")["neighbour_id"] == 1
    assert outcome(done(garden, task("plant", DELETE, name="rose"))) == ("DELETED",)
    assert garden.fields_of("garden.plant", "oak")["neighbour_id"] is None


def test_binding(garden: Workbench) -> None:
    done(garden, task("plant", name="rose", bed="sun"))
    assert outcome(done(garden, task("watering", bed="sun", plant="oak"))) == ("KEY_NOT_FOUND", "plant_id")
    assert outcome(done(garden, task("watering", bed="sun", plant="rose"))) == ("CREATED",)
    assert outcome(done(garden, task("watering", bed="sun", plant="rose"))) == ("UPDATED",)
    deleted = done(garden, task("plant", DELETE, name="rose"))
    assert deleted.result
    assert [(item.object_type, item.effect.name) for item in deleted.result.touched] == [("garden.watering", "DELETED")]
    assert garden.objects.count("garden.watering") == 0
