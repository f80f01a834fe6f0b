"""What the expressions of a connector file make of an object."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from integrationbus.connectors import (
    DocumentParams,
    ExternalId,
    IntegrationConnector,
    ObjectParams,
    Reference,
    TaskDataType,
    TaskType,
)
from integrationbus.connectors.declarative import connector_class

MOMENT = datetime(2024, 2, 29, 12, tzinfo=UTC)
SPECIMEN = "support.specimen:SpecimenInfo"


def connector(folder: Path, text: str) -> IntegrationConnector:
    path = folder / "file.yaml"
    path.write_text(f"name: tests\n{text}")
    return connector_class(path)()


def made(
    connector: IntegrationConnector, obj: object, task_type: TaskType = TaskType.UPDATE_OBJECT, site: str | None = None
) -> dict[str, object]:
    """The attributes that the connector has set: those are what the bus writes."""
    instance = connector.prepare_internal_object(obj, task_type, TaskDataType.SIMPLE_SNAPSHOT, site)
    return {name: value for name, value in vars(instance).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("field", "obj", "value"),
    [
        ("name: object.a", {"a": "x"}, {"name": "x"}),
        ("name: object.a", {"a": None}, {"name": None}),
        ("name: 'null'", {}, {"name": None}),
        ("name:", {}, {"name": None}),
        ("name: unset", {}, {}),
        ("name: 'has(object.a) ? object.a : unset'", {"a": "x"}, {"name": "x"}),
        ("name: 'has(object.a) ? object.a : unset'", {}, {}),
        ("name: 'has(object.a) ? object.a : null'", {}, {"name": None}),
        ("name: {value: object.a.b, optional: true}", {"a": {}}, {}),
        ("name: {value: object.a.b, optional: true}", {"a": {"b": "x"}}, {"name": "x"}),
        ("name: optional.none()", {}, {}),
        ("name: task_type + data_type + site", {}, {"name": "UPDATE_OBJECTSIMPLE_SNAPSHOTmain"}),
        ("name: object.a.filter(x, x != 'b').join('-').upperAscii()", {"a": ["a", "b", "c"]}, {"name": "A-C"}),
        ("yes: true", {}, {"yes": True}),
        ("yes: object.a.exists(x, x > 1) && [1].all(y, y == 1) && type(1) == int", {"a": [1, 2]}, {"yes": True}),
        ("yes: \"object.a.matches('^x+$') && object.a.endsWith('x')\"", {"a": "xx"}, {"yes": True}),
        ("small: timestamp('2024-02-29T12:00:00Z').getFullYear()", {}, {"small": 2024}),
        ("small: optional.of(5).orValue(size(object.a))", {"a": ""}, {"small": 5}),
        ("name: base64.encode(bytes('hi'))", {}, {"name": "aGk="}),
        ("small: 5", {}, {"small": 5}),
        ("ratio: 0.5", {}, {"ratio": 0.5}),
        ("big: math.greatest(object.a, 3)", {"a": 2**62}, {"big": 2**62}),
        ("page_id: object.a", {"a": 2**70}, {"page_id": str(2**70)}),
        ("page_id: object.a", {"a": Reference("7", "cms.page")}, {"page_id": "7"}),
        ("guid: object.a", {"a": UUID(int=7)}, {"guid": str(UUID(int=7))}),
        ("photo: object.a", {"a": b"\0"}, {"photo": b"\0"}),
        ("price: object.a", {"a": Decimal("0.1000000000000000000001")}, {"price": Decimal("0.1000000000000000000001")}),
        ("price: object.a", {"a": 0.1}, {"price": Decimal("0.1")}),
        ("price: object.a", {"a": 5}, {"price": 5}),
        ("ratio: double(object.a) * 2.0", {"a": Decimal("1.5")}, {"ratio": 3.0}),
        ("born: object.a", {"a": "2024-02-29"}, {"born": date(2024, 2, 29)}),
        ("seen: object.a", {"a": "2024-02-29T12:00:00Z"}, {"seen": MOMENT}),
        ("seen: object.a + duration('1h')", {"a": MOMENT}, {"seen": MOMENT + timedelta(hours=1)}),
        ("name: object", "a text", {"name": "a text"}),
    ],
)
def test_a_field_is_what_its_expression_gives(
    tmp_path: Path, field: str, obj: object, value: dict[str, object]
) -> None:
    text = f"mappings:\n  - class: {SPECIMEN}\n    fields:\n      {field}\n"
    assert made(connector(tmp_path, text), obj, site="main") == value


@pytest.mark.parametrize(
    ("field", "obj", "says"),
    [
        ("name: object.a", {}, "test.specimen.name = object.a: there is no 'a'"),
        ("name: object.a", ["a"], "test.specimen.name = object.a: "),
        ("name: object.a + 1", {"a": "x"}, "Unsupported operation: string"),
        ("name: {value: object.a + 1, optional: true}", {"a": "x"}, "Unsupported operation: string"),
        ("name: object.a", {"a": "\ud800"}, "Conversion Error"),
        ("price: object.a", {"a": "much"}, "test.specimen.price = 'much' is no decimal number"),
        ("born: object.a", {"a": "today"}, "test.specimen.born = Invalid isoformat string: 'today'"),
    ],
)
def test_a_field_that_gives_nothing_fails_the_task(tmp_path: Path, field: str, obj: object, says: str) -> None:
    text = f"mappings:\n  - class: {SPECIMEN}\n    fields:\n      {field}\n"
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        made(connector(tmp_path, text), obj)
    assert says in str(error.value)


def test_an_object_that_is_nested_without_end_is_refused_and_not_followed(tmp_path: Path) -> None:
    nested: object = "x"
    for _ in range(900):
        nested = [nested]
    text = f"mappings:\n  - class: {SPECIMEN}\n    fields: {{name: object.a}}\n"
    with pytest.raises(ValueError, match="nested more than 100 levels deep"):
        made(connector(tmp_path, text), {"a": nested})


CHOICE = """\
mappings:
  - class: cms.page
    fields: {document_culture: "'en-US'", node_alias: object.name}
  - class: cms.user
    when: has(object.login) && task_type != 'DELETE_OBJECT'
    fields: {user_name: object.login}
  - class: cms.site
    when: site == 'main'
    fields: {site_name: object.name}
  - class: cms.role
    when: object.maybe
    fields: {role_name: object.name, role_description: object.text, site_id: object.site}
"""


@pytest.mark.parametrize(
    ("obj", "task_type", "site", "value"),
    [
        ({"login": "a"}, TaskType.UPDATE_OBJECT, "main", {"user_name": "a"}),
        ({"name": "a"}, TaskType.UPDATE_OBJECT, "main", {"site_name": "a"}),
        ({"login": "a", "name": "b"}, TaskType.DELETE_OBJECT, "main", {"site_name": "b"}),
        ({"name": "a"}, TaskType.CREATE_DOCUMENT, "main", {"document_culture": "en-US", "node_alias": "a"}),
        ({"name": "a", "maybe": True, "site": 7}, TaskType.DELETE_OBJECT, None, {"role_name": "a", "site_id": 7}),
    ],
)
def test_the_first_mapping_that_fits_is_used(
    tmp_path: Path, obj: object, task_type: TaskType, site: str | None, value: dict[str, object]
) -> None:
    assert made(connector(tmp_path, CHOICE), obj, task_type, site) == value


@pytest.mark.parametrize(
    ("obj", "says"),
    [
        ({"maybe": False}, "no mapping of the connector fits this object and UPDATE_OBJECT"),
        ({"maybe": 1}, "object.maybe: must be true or false, not 1"),
        ({}, "object.maybe: there is no 'maybe'"),
        ({"maybe": True, "name": "a", "site": 7}, "cms.role.role_description = object.text: there is no 'text'"),
    ],
)
def test_an_object_that_no_mapping_fits_fails(tmp_path: Path, obj: object, says: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        made(connector(tmp_path, CHOICE), obj)
    assert str(error.value) == says


def test_a_deletion_fails_without_what_the_object_is_found_by(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cms\.role\.role_name = object\.name: there is no 'name'"):
        made(connector(tmp_path, CHOICE), {"maybe": True, "site": 7}, TaskType.DELETE_OBJECT)


KEYS = """\
mappings:
  - {class: cms.user, fields: {user_name: object.login}}
keys:
  cms.role:
    code_name: "type(id) == int ? null : id.split('/')[1]"
    site: id.split('/')[0]
  forums.forum: {code_name: id, site: "'main'", parent_id: id + 1, group_id: 'string(id)'}
  support.people:TeamInfo: {code_name: object_type}
page_keys:
  cms.page: {node_guid: 'id == "" ? null : id', culture: "'en-US'", site: class_name}
"""


@pytest.mark.parametrize(
    ("external_id", "object_type", "params"),
    [
        ("main/editors", "cms.role", ObjectParams(code_name="editors", site_name="main")),
        (7, "cms.role", None),
        (7, "forums.forum", ObjectParams(code_name="7", site_name="main", parent_id=8, group_id="7")),
        (7, "test.team", ObjectParams(code_name="test.team")),
        (7, "cms.user", None),
    ],
)
def test_keys_say_where_an_object_is(
    tmp_path: Path, external_id: ExternalId, object_type: str, params: ObjectParams | None
) -> None:
    assert connector(tmp_path, KEYS).get_internal_object_params(external_id, object_type) == params


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("{code_name: \"id.split('/')[1]\"}", "id.split('/')[1]: "),
        ("{code_name: true}", "code_name must be a text, not True"),
        ("{code_name: id, parent_id: 1.5}", "parent_id must be an external id, not 1.5"),
    ],
)
def test_a_key_that_its_expressions_cannot_read_fails(tmp_path: Path, keys: str, says: str) -> None:
    text = f"mappings:\n  - {{class: cms.user, fields: {{user_name: object}}}}\nkeys:\n  cms.role: {keys}\n"
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        connector(tmp_path, text).get_internal_object_params("main", "cms.role")
    assert str(error.value).startswith(says)


def test_page_keys_say_where_a_page_is(tmp_path: Path) -> None:
    guid = UUID(int=7)
    keys = connector(tmp_path, KEYS)
    expected = DocumentParams(node_guid=guid, culture_code="en-US", site_name="cms.page")
    assert keys.get_internal_document_params(str(guid), "cms.page") == expected
    assert keys.get_internal_document_params("", "cms.page") is None
    assert keys.get_internal_document_params(str(guid), "cms.user") is None
    with pytest.raises(ValueError, match="badly formed"):
        keys.get_internal_document_params("seven", "cms.page")
