"""Foreign keys: where they are looked for, and what a missing target means."""

from typing import cast

import pytest
from support.bench import Workbench, new_task
from support.databases import EVERYWHERE

from integrationbus.connectors import ObjectParams
from integrationbus.server.task import TaskDataType, TaskEffect, TaskType

pytestmark = pytest.mark.parametrize("database_url", EVERYWHERE, indirect=True)


def test_a_key_is_found_by_the_external_id_of_an_earlier_task(bus: Workbench) -> None:
    bus.log(
        new_task({"name": "Ada"}, external_id="1"),
        new_task({"name": "Bob", "boss_id": 1}, external_id="2"),
        new_task({"name": "Cy", "boss_id": "2"}, external_id="3"),
    )
    assert bus.process().counts.succeeded == 3
    boss = [bus.fields_of("test.person", name)["boss_id"] for name in ("Ada", "Bob", "Cy")]
    assert boss == [None, 1, 2]


def test_the_connector_is_asked_once_for_each_distinct_key(bus: Workbench) -> None:
    bus.people.params["T", "test.team"] = ObjectParams(code_name="Tigers")
    bus.log(
        new_task({"make": "team", "name": "Tigers"}), *(new_task({"name": f"p{i}", "team_id": "T"}) for i in range(9))
    )
    bus.process()
    assert [call for call in bus.people.calls if call[0] == "object_params"] == [("object_params", ("T", "test.team"))]
    assert bus.fields_of("test.person", "p8")["team_id"] == 1


def test_a_missing_required_target_fails_the_task_and_names_the_key(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({"name": "Bob", "boss_id": "99"}))
    bus.process()
    error = bus.task(task_id).last_error
    assert error
    assert (error.reason, error.field_paths) == ("KEY_NOT_FOUND", ("boss_id",))
    assert "test.person '99'" in error.message


def test_a_missing_target_that_has_a_default_gets_it(bus: Workbench) -> None:
    bus.log(new_task({"make": "team", "name": "nobody"}), new_task({"name": "Bob", "team_id": "99"}))
    assert bus.process().counts.succeeded == 2
    assert bus.fields_of("test.person", "Bob")["team_id"] == 1


def test_a_missing_target_that_is_not_required_leaves_the_column_empty_and_a_note(bus: Workbench) -> None:
    [task_id] = bus.log(new_task({"name": "Bob", "friend_id": "99"}))
    bus.process()
    assert bus.fields_of("test.person", "Bob")["friend_id"] is None
    result = bus.task(task_id).result
    assert result
    assert "friend_id" in result.notes[0]


def test_simple_tasks_hold_internal_ids(bus: Workbench) -> None:
    bus.log(
        new_task({"name": "Ada"}, external_id="7"),
        new_task({"name": "Bob", "boss_id": 1}, data_type=TaskDataType.SIMPLE),
    )
    assert bus.process().counts.succeeded == 2
    assert bus.fields_of("test.person", "Bob")["boss_id"] == 1
    assert not [call for call in bus.people.calls if call[0] == "object_params"]


def test_a_renamed_object_stays_the_same_object(bus: Workbench) -> None:
    bus.log(new_task({"name": "Ada"}, external_id="1"), new_task({"name": "Ada Lovelace"}, external_id="1"))
    bus.process()
    assert bus.names("test.person") == ["Ada Lovelace"]


def test_only_what_was_set_is_written(bus: Workbench) -> None:
    bus.log(new_task({"name": "Ada", "age": 36}, external_id="1"), new_task({"name": "Ada B"}, external_id="1"))
    bus.process()
    assert bus.fields_of("test.person", "Ada B")["age"] == 36
    bus.log(new_task({"name": "Bob"}))
    bus.process()
    assert bus.fields_of("test.person", "Bob")["age"] == 30, "the column's default"


def test_a_deletion_takes_along_what_needs_the_object(bus: Workbench) -> None:
    bus.log(
        new_task({"make": "team", "name": "nobody"}),
        new_task({"name": "Ada"}, external_id="1"),
        new_task({"name": "Bob", "boss_id": "1"}, external_id="2"),
        new_task({"name": "Cy", "friend_id": "1"}, external_id="3"),
        new_task({"name": "Ada"}, task_type=TaskType.DELETE_OBJECT),
        new_task({"name": "Ada"}, task_type=TaskType.DELETE_OBJECT),
    )
    assert bus.process().counts.succeeded == 6
    assert bus.names("test.person") == ["Cy"]
    assert bus.fields_of("test.person", "Cy")["friend_id"] is None
    effects = [task.result.effect.name for task in bus.all_tasks() if task.result]
    assert effects[-2:] == ["DELETED", "NOTHING_TO_DELETE"]


def test_an_external_id_means_nothing_any_more_after_a_deletion(bus: Workbench) -> None:
    bus.log(
        new_task({"name": "Ada"}, external_id="1"),
        new_task({"name": "Ada"}, external_id="1", task_type=TaskType.DELETE_OBJECT),
    )
    bob = new_task({"name": "Bob", "boss_id": "1"})
    bus.log(bob)
    bus.process()
    error = bus.task(bob.id).last_error
    assert error
    assert error.reason == "KEY_NOT_FOUND"


def test_a_misspelt_attribute_and_an_internal_id_are_refused(bus: Workbench) -> None:
    person = new_task({"name": "Ada", "person_id": 5})
    bus.log(person)
    bus.process()
    error = bus.task(person.id).last_error
    assert error
    assert (error.reason, error.field_paths) == ("WRONG_OBJECT", ("person_id",))


def user_role(user: str, role: str, **fields: object) -> dict[str, object]:
    return {"make": "user_role", "user_id": user, "role_id": role, **fields}


def test_a_binding_is_found_by_its_two_keys(bus: Workbench) -> None:
    bus.log(
        new_task({"make": "user", "user_name": "ada"}, external_id="u1"),
        new_task({"make": "role", "role_name": "editor"}, external_id="r1"),
        new_task(user_role("u1", "r1")),
        new_task(user_role("u1", "r1")),
        new_task(user_role("u1", "r1"), task_type=TaskType.DELETE_OBJECT),
        new_task(user_role("u1", "r9"), task_type=TaskType.DELETE_OBJECT),
    )
    run = bus.process()
    assert run.counts.succeeded == 6
    effects = [task.result.effect.name for task in bus.all_tasks() if task.result]
    assert effects[2:] == ["CREATED", "UPDATED", "DELETED", "NOTHING_TO_DELETE"]


def test_a_code_name_is_looked_for_within_its_site(bus: Workbench) -> None:
    for site in ("main", "blog"):
        bus.log(new_task({"make": "site", "site_name": site, "site_display_name": site}))
        bus.log(new_task({"make": "role", "role_name": "editor"}, site=site))
    bus.log(new_task({"make": "user", "user_name": "ada"}))
    bus.people.params["r", "cms.role"] = ObjectParams(code_name="editor", site_name="blog")
    bus.people.params["u", "cms.user"] = ObjectParams(code_name="ada")
    bus.log(new_task(user_role("u", "r")))
    assert bus.process().counts.succeeded == 6
    [binding] = bus.objects.list("cms.userrole", after_id=0, limit=9)
    assert binding.fields["role_id"] == 2, "the role of the site blog, not the one of the same name"


def test_a_key_that_fits_two_objects_is_an_error_never_a_guess(bus: Workbench) -> None:
    for site in ("main", "blog"):
        bus.log(new_task({"make": "site", "site_name": site, "site_display_name": site}))
        bus.log(new_task({"make": "role", "role_name": "editor"}, site=site))
    bus.people.params["r", "cms.role"] = ObjectParams(code_name="editor")
    task = new_task(user_role("u", "r"))
    bus.log(task)
    bus.process()
    error = bus.task(task.id).last_error
    assert error
    assert error.reason == "KEY_AMBIGUOUS"


def test_what_the_connector_answers_to_a_key_is_checked(bus: Workbench) -> None:
    bus.people.params["T", "test.team"] = "Tigers"  # type: ignore[assignment] # the wrong thing on purpose
    task = new_task({"name": "Bob", "team_id": "T"})
    bus.log(task)
    bus.process()
    error = bus.task(task.id).last_error
    assert error
    assert (error.reason, error.stage and error.stage.name) == ("CONNECTOR_FAILED", "TRANSLATE")
    assert "ObjectParams" in error.message


def test_the_same_object_twice_in_a_batch_ends_as_the_last_one_says(bus: Workbench) -> None:
    bus.log(*(new_task({"name": "warm up"}) for _ in range(20)))
    bus.process()
    bus.log(
        new_task({"name": "Ada", "age": 1}, external_id="1"),
        new_task({"name": "Bob", "boss_id": "1"}, external_id="2"),
        new_task({"name": "Ada", "age": 2}, external_id="1"),
        new_task({"name": "Ada"}, task_type=TaskType.DELETE_OBJECT, external_id="1"),
        new_task({"name": "Ada", "age": 3}, external_id="1"),
    )
    assert bus.process().counts.succeeded == 5
    assert bus.names("test.person") == ["warm up", "Ada"], "Bob went with the first Ada"
    assert bus.fields_of("test.person", "Ada")["age"] == 3


def pairs(bus: Workbench) -> list[tuple[object, object]]:
    """The people with their friends, by name."""
    people = bus.objects.list("test.person", after_id=0, limit=99)
    names = {person.id: person.code_name for person in people}
    return [(person.code_name, names.get(cast(int, person.fields["friend_id"]))) for person in people]


def warm_up(bus: Workbench) -> None:
    """Let batches grow, so that what follows is processed in one."""
    bus.log(*(new_task({"make": "team", "name": f"team {number}"}) for number in range(40)))
    bus.process()


def test_one_object_under_two_names_in_a_batch_is_written_in_order(bus: Workbench) -> None:
    warm_up(bus)
    bus.log(new_task({"name": "a", "age": 1}, external_id="1"))
    bus.process()
    bus.log(new_task({"name": "b"}, external_id="1"), new_task({"name": "a", "age": 3}, external_id="2"))
    bus.process()
    ages = {view.code_name: view.fields["age"] for view in bus.objects.list("test.person", after_id=0, limit=9)}
    assert ages == {"a": 3, "b": 1}
    bus.log(new_task({"name": "b", "age": 5}), new_task({"age": 6}, external_id="1"))
    bus.process()
    assert bus.fields_of("test.person", "b")["age"] == 6


def test_a_key_follows_what_happens_to_its_target_within_a_run(bus: Workbench) -> None:
    warm_up(bus)
    bus.log(
        new_task({"name": "x"}, external_id="X"),
        new_task({"name": "y", "friend_id": "X"}),
        new_task({"name": "x"}, external_id="X", task_type=TaskType.DELETE_OBJECT),
        new_task({"name": "w"}),
        new_task({"name": "z", "friend_id": "X"}),
    )
    assert bus.process().counts.succeeded == 5
    assert pairs(bus) == [("y", None), ("w", None), ("z", None)]


def test_people_who_need_each_other_go_together(bus: Workbench) -> None:
    bus.log(
        new_task({"name": "Ada"}, external_id="1"),
        new_task({"name": "Bob", "boss_id": "1"}, external_id="2"),
        new_task({"name": "Ada", "boss_id": "2"}, external_id="1"),
        new_task({"name": "Ada"}, task_type=TaskType.DELETE_OBJECT),
    )
    assert bus.process().counts.succeeded == 4
    assert bus.names("test.person") == []


def test_a_default_that_is_missing_matters_only_to_those_who_need_it(bus: Workbench) -> None:
    bus.log(
        new_task({"make": "team", "name": "Tigers"}, external_id="t"),
        new_task({"make": "team", "name": "Tigers"}, task_type=TaskType.DELETE_OBJECT),
        new_task({"make": "team", "name": "Lions"}, external_id="l"),
        new_task({"name": "Ada", "team_id": "l"}),
        new_task({"make": "team", "name": "Lions"}, task_type=TaskType.DELETE_OBJECT),
    )
    run = bus.process()
    assert run.counts.succeeded == 4
    error = bus.task(run.halted_by).last_error
    assert error
    assert "'nobody'" in error.message


def test_a_large_cascade_is_deleted_in_parts(bus: Workbench) -> None:
    bus.log(new_task({"name": "boss"}, external_id="b"))
    bus.log(*(new_task({"name": f"p{number}", "boss_id": "b"}) for number in range(2500)))
    bus.log(new_task({"name": "boss"}, task_type=TaskType.DELETE_OBJECT))
    assert bus.process().counts.succeeded == 2502
    assert bus.names("test.person") == []


def test_who_pointed_at_what_is_deleted_points_at_the_default_if_there_is_one(bus: Workbench) -> None:
    bus.log(
        new_task({"make": "team", "name": "nobody"}),
        new_task({"make": "team", "name": "Tigers"}, external_id="t"),
        new_task({"name": "Ada", "team_id": "t"}),
        new_task({"make": "team", "name": "Tigers"}, task_type=TaskType.DELETE_OBJECT),
    )
    assert bus.process().counts.succeeded == 4
    assert bus.fields_of("test.person", "Ada")["team_id"] == 1


def test_a_new_run_asks_the_connector_again(bus: Workbench) -> None:
    bus.people.params["T", "test.team"] = ObjectParams(code_name="Tigers")
    bus.log(new_task({"make": "team", "name": "Tigers"}), new_task({"name": "Ada", "team_id": "T"}))
    bus.process()
    bus.log(new_task({"name": "Bob", "team_id": "T"}))
    bus.process()
    assert bus.people.calls.count(("object_params", ("T", "test.team"))) == 2


def test_an_update_of_what_is_missing_creates_it_and_says_so(bus: Workbench) -> None:
    logged = [new_task({"name": "Ada", "age": age}, task_type=TaskType.UPDATE_OBJECT) for age in (1, 2)]
    ids = bus.log(*logged)
    bus.process()
    results = [bus.task(each).result for each in ids]
    assert [result and result.effect for result in results] == [TaskEffect.CREATED, TaskEffect.UPDATED]


def test_external_ids_have_any_size(bus: Workbench) -> None:
    huge = 2**70
    bus.log(new_task({"name": "Ada"}, external_id=str(huge)), new_task({"name": "Bob", "boss_id": str(huge)}))
    assert bus.process().counts.succeeded == 2
    assert bus.fields_of("test.person", "Bob")["boss_id"] == 1
