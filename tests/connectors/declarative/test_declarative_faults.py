"""What is wrong with a connector file is said with its place, all of it at once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from integrationbus.connectors.declarative import check_file

HEAD = "name: crm\nmappings:\n  - class: cms.user\n    fields:\n"
FIELDS = HEAD + "      user_name: object.login\n"
CLASS = FIELDS + "classes:\n  - object_type: crm.thing\n    table: crm_thing\n    code_name: name\n    columns:\n"
NAMED = CLASS + "      name: {type: text, length: 50}\n"


def faults_of(path: Path) -> Sequence[str]:
    """Each fault as "line:column message"."""
    return [f"{fault.position.line}:{fault.position.column} {fault.message}" for fault in check_file(path)]


def write(folder: Path, text: str, name: str = "crm.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [FIELDS, NAMED])
def test_the_texts_that_the_cases_start_from_are_without_faults(tmp_path: Path, text: str) -> None:
    assert faults_of(write(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1:1 a connector must be a table, not null"),
        ("- a\n", "1:1 a connector must be a table, not a list"),
        ("a: [1\nb: 2\n", "2:2 this is no YAML: while parsing a flow sequence, expected ',' or ']', but got ':'"),
        ("name: crm\n", "1:1 a connector needs mappings"),
        ("name: crm\nmappings: []\n", "2:11 mappings needs at least one mapping"),
        ("name: crm\nmappings: 5\n", "2:11 mappings must be a list, not a number"),
        (FIELDS + "name: crm\n", "6:1 name is given twice"),
        (
            FIELDS.replace("crm", "C R M"),
            "1:7 name must be 1 to 100 of a-z 0-9 . _ - and start with a letter or a digit",
        ),
        (FIELDS.replace("crm", "7"), "1:7 name must be a text, not a number"),
        (FIELDS.replace("crm", "true"), "1:7 name must be a text, not true or false"),
        (FIELDS + "display_name: .inf\n", "6:15 .inf is no number; put a text into quotes"),
        (FIELDS + "? [a]\n: b\n", "6:3 a key must be a text"),
        (FIELDS.replace("crm", "''"), "1:7 name must be a text, not an empty one"),
        (FIELDS.replace("crm", "!!python/object:os.x crm"), "1:7 tags are not allowed, and this value has the tag"),
        (FIELDS + "accepts: &a [json]\nclasses: *a\n", "6:10 an alias refers to this value; write the value out"),
        (FIELDS + "display_nam: CRM\n", "6:1 a connector has no key display_nam; did you mean display_name?"),
        (FIELDS + "clear_translations_after_processing: no\n", "6:38 clear_translations_after_processing must be true"),
        (FIELDS + "accepts: [record, jsn]\n", "6:19 there is no payload form jsn; did you mean json?"),
        (FIELDS + "accepts: []\n", "6:10 accepts must list at least one of json, prepared, record"),
        (FIELDS + "trigger: sometimes\n", "6:10 trigger must be on_log, on_notify, or a table with every or cron"),
        (FIELDS + "trigger: {}\n", "6:10 trigger needs every or cron, and not both"),
        (FIELDS + "trigger: {every: 5 parsecs}\n", "6:18 every must be a number of seconds, minutes, hours or days"),
        (FIELDS + "trigger: {every: 0 seconds}\n", "6:18 every must be a number of seconds, minutes, hours or days"),
        (FIELDS + "trigger: {every: 1 day, timezone: UTC}\n", "6:35 timezone goes with cron only"),
        (FIELDS + "trigger: {cron: '* *'}\n", "6:17 cron must have five fields, for example 0 3 * * mon-fri"),
        (FIELDS + "trigger: {cron: 0 3 * * *, timezone: Mars/Base}\n", "6:38 there is no time zone Mars/Base"),
        (FIELDS + "retry: {max_attempts: 0}\n", "6:23 max_attempts must be a whole number of at least 1, not 0"),
        (FIELDS + "retry: {max_failures: true}\n", "6:23 max_failures must be a whole number of at least 1"),
        (FIELDS + "retry: {multiplier: 0.5}\n", "6:21 multiplier must be a number from 1 to 1000"),
        (FIELDS + "retry: {max_delay: 0 seconds}\n", "6:20 max_delay must not be shorter than initial_delay"),
        (FIELDS + "missing_key: ignore\n", "6:14 missing_key must be fail, wait, or a table with wait"),
        (FIELDS + "missing_key: {}\n", "6:14 missing_key needs wait"),
        (FIELDS + "missing_key: {wait: 1 day, wit: 5}\n", "6:28 missing_key has no key wit; did you mean wait?"),
        (FIELDS + "missing_key: {wait: 5}\n", "6:21 wait must be a text, not a number"),
        (FIELDS + "missing_key: {wait: 0 days}\n", "6:21 wait must be forever or a number of seconds, minutes, hours"),
        (FIELDS + "missing_key: {wait: a week}\n", "6:21 wait must be forever or a number of seconds, minutes, hours"),
    ],
)
def test_a_fault_of_the_connector_is_found(tmp_path: Path, text: str, fault: str) -> None:
    [found] = faults_of(write(tmp_path, text))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FIELDS.replace("cms.user", "cms.usr"), "3:12 there is no object type cms.usr; did you mean cms.user?"),
        (FIELDS.replace("cms.user", "no.such:Class"), "3:12 no.such:Class cannot be used: ModuleNotFoundError"),
        (
            FIELDS.replace("cms.user", "datetime:date"),
            "3:12 datetime:date cannot be used: TypeError: it is no subclass",
        ),
        (
            FIELDS.replace("user_name", "user_nam"),
            "5:7 cms.user has no attribute user_nam that a connector may set; did",
        ),
        (FIELDS.replace("user_name", "user_id"), "5:7 cms.user has no attribute user_id that a connector may set"),
        (HEAD.replace("fields:", "fields: {}"), "4:13 fields needs at least one attribute"),
        (FIELDS.replace("fields:", "felds:"), "4:5 a mapping has no key felds; did you mean fields?"),
        (FIELDS.replace("object.login", "[1]"), "5:18 an expression must be a text, not a list"),
        (FIELDS.replace("object.login", ".a"), "5:18 expressions know no .a; "),
        (FIELDS.replace("object.login", "''"), "5:18 an expression must not be empty"),
        (FIELDS.replace("object.login", "1 +"), "5:21 the expression does not compile: mismatched input 'the end'"),
        (FIELDS.replace("object.login", "'1 +'"), "5:22 the expression does not compile: mismatched input 'the end'"),
        (FIELDS.replace("object.login", "(" * 10_001), "5:18 an expression may have 10000 characters"),
        (FIELDS.replace("object.login", "string(objct.login)"), "5:25 expressions know no objct; did you mean object?"),
        (
            FIELDS.replace("object.login", "object.login.upper()"),
            "5:31 expressions know no upper; did you mean upperAs",
        ),
        (FIELDS.replace("object.login", "id"), "5:18 expressions know no id; "),
        (
            FIELDS.replace("object.login", "|\n        'a' +\n        objct"),
            "5:18 expressions know no objct; did you mean",
        ),
        (FIELDS.replace("object.login", "{value: object.a, optinal: true}"), "5:36 field user_name has no key optinal"),
        (FIELDS.replace("object.login", "{optional: true}"), "5:18 field user_name needs value"),
        (FIELDS.replace("class: cms.user", "class: cms.user\n    when: a = b"), "4:13 the expression does not compile"),
        (
            HEAD.replace("user", "page") + "      document_culture: site\n",
            "5:7 the fields of a page need node_alias or",
        ),
        (HEAD.replace("user", "page") + "      node_alias: site\n", "5:7 the fields of a page need document_culture"),
        (FIELDS + "keys: {cms.rol: {code_name: id}}\n", "6:8 there is no object type cms.rol; did you mean cms.role?"),
        (FIELDS + "keys: {cms.role: {site: id}}\n", "6:18 keys of cms.role needs code_name"),
        (
            FIELDS + "keys: {cms.role: {code_name: object.x}}\n",
            "6:30 expressions know no object; did you mean object_t",
        ),
        (FIELDS + "keys: {cms.page: {code_name: id}}\n", "6:8 cms.page is a page: page_keys says how pages are found"),
        (FIELDS + "page_keys: {cms.page: {node_guid: id, site: id}}\n", "6:23 page_keys of cms.page needs culture"),
    ],
)
def test_a_fault_of_a_mapping_or_a_key_is_found(tmp_path: Path, text: str, fault: str) -> None:
    found = faults_of(write(tmp_path, text))
    assert [each for each in found if each.startswith(fault)], found
    assert len(found) == (2 if "felds" in text else 1), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            NAMED.replace("table: crm_thing", "table: cms_user"),
            "8:12 another class has the table cms_user; a class that",
        ),
        (NAMED.replace("crm_thing", "CRM"), "8:12 table must be at most 63 of a-z 0-9 _"),
        (NAMED.replace("crm.thing", "cms.user"), "7:18 another class has the object type cms.user"),
        (NAMED.replace("crm.thing", "thing"), "7:18 object_type must be words of a-z 0-9 _ with dots between them"),
        (
            NAMED.replace("code_name: name", "code_name: nam"),
            "9:16 code_name names nam, which is no column; did you me",
        ),
        (NAMED.replace("code_name: name", "guid: name"), "9:11 guid must name a column of the type uuid, not text"),
        (
            NAMED.replace("code_name: name", "kind: object"),
            "7:5 a class needs code_name or guid; only one with foreign",
        ),
        (
            NAMED.replace("code_name", "kind: page\n    guid"),
            "10:11 a page has no guid: it is found by its place in the",
        ),
        (NAMED.replace("code_name", "kind: thing\n    code_name"), "9:11 kind must be one of object, page, not thing"),
        (NAMED.replace("code_name", "primary_key: metadata\n    code_name"), "9:18 primary_key must be at most 63 of"),
        (NAMED + "      id: {type: integer}\n", "12:7 every class of this kind has id already; choose another name"),
        (NAMED + "      Big: {type: integer}\n", "12:7 the name of a column must be at most 63 of a-z 0-9 _"),
        (NAMED + "      age: integer\n", "12:12 column age must be a table, not a text"),
        (NAMED + "      age: {nullable: true}\n", "12:12 column age needs type"),
        (NAMED + "      age: {type: int}\n", "12:19 type must be one of big_integer, boolean, bytes, date, datetime"),
        (
            NAMED + "      age: {type: integer, length: 5}\n",
            "12:36 length goes with the type text only, not with integ",
        ),
        (
            NAMED + "      age: {type: integer, default: old}\n",
            "12:37 a column of the type integer cannot have the def",
        ),
        (
            NAMED + "      at: {type: datetime, default: '2024-01-01T00:00:00'}\n",
            "12:37 2024-01-01T00:00:00 has no time",
        ),
        (
            NAMED + "      age: {type: integer, default: [5]}\n",
            "12:37 default must be a value of the type integer, not a li",
        ),
        (NAMED + "      at: {type: decimal, default: much}\n", "12:36 much is no decimal number"),
        (NAMED + "      a_id: {references: cms.usr, depends: required}\n", "12:26 there is no object type cms.usr"),
        (NAMED + "      a_id: {references: cms.user}\n", "12:13 foreign key a_id needs depends"),
        (
            NAMED + "      a_id: {references: cms.user, depends: needed}\n",
            "12:45 depends must be one of binding, not_req",
        ),
        (
            NAMED + "      a_id: {references: cms.user, depends: required_has_default}\n",
            "12:13 default_code_name goes with depends: required_has_default, and only with it",
        ),
        (
            NAMED + "      a_id: {references: cms.user, depends: not_required, nullable: false}\n",
            "12:69 a foreign key that is not_required becomes null; it must be nullable",
        ),
        (
            NAMED.replace("code_name", "site: a_id\n    code_name")
            + "      a_id: {references: cms.user, depends: required}\n",
            "9:11 site must name a foreign key to cms.site",
        ),
        (
            NAMED
            + "  - object_type: crm.other\n    table: crm_thing\n    code_name: a\n    columns: {a: {type: text}}\n",
            "13:12 another class of this file has the table crm_thing",
        ),
    ],
)
def test_a_fault_of_a_class_is_found(tmp_path: Path, text: str, fault: str) -> None:
    [found] = faults_of(write(tmp_path, text))
    assert found.startswith(fault)


@pytest.mark.parametrize("value", ["&a\n  a: *a", "[" * 2_000 + "]" * 2_000])
def test_a_file_without_end_ends(tmp_path: Path, value: str) -> None:
    assert faults_of(write(tmp_path, FIELDS + f"retry: {value}\n"))


TOML = """\
name = "crm"
trigger = {every = "5 minutes"}

[[mappings]]
class = "cms.user"
fields.user_name = "object.login"
[mappings.fields.full_name]
value = "object.name"

[[mappings]]
class = "cms.role"
[mappings.fields]
role_name = 'object.name'
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "crm"', 'name = "crm', "1:12 this is no TOML: "),
        ("role_name = 'object.name'\n", "role_name = [", "13:14 this is no TOML: Invalid value"),
        ('name = "crm"', "name = 2024-01-01", None),
        ('name = "crm"', 'nme = "crm"', "1:1 a connector has no key nme; did you mean name?"),
        ("5 minutes", "5 parsecs", "2:20 every must be a number of seconds"),
        ("trigger", 'missing_key = {wait = "5"}\ntrigger', "2:23 wait must be forever or a number of seconds"),
        ("cms.role", "cms.rol", "11:9 there is no object type cms.rol; did you mean cms.role?"),
        ("fields.user_name", "fields.user_nam", "6:8 cms.user has no attribute user_nam"),
        ('"object.login"', '"é" + object.login"', "6:24 this is no TOML"),
        ('"object.login"', "\"'é' + objct.login\"", "6:27 expressions know no objct; did you mean object?"),
        ('"object.login"', "'''\n1 +'''", "6:20 the expression does not compile"),
        ("fields.full_name", "fields.full_nam", "7:18 cms.user has no attribute full_nam"),
        ("value =", "valu =", "8:1 field full_name has no key valu; did you mean value?"),
        ('class = "cms.role"\n', "", "10:1 a mapping needs class"),
        ("role_name", '"role name"', "13:1 cms.role has no attribute role name"),
        ("trigger", "accepts = ['json', {a.b = 1}] # c\ntrigger", "2:20 a payload form must be a text, not a table"),
    ],
)
def test_a_fault_in_toml_has_its_place(tmp_path: Path, old: str, new: str, fault: str | None) -> None:
    assert faults_of(write(tmp_path, TOML, "crm.toml")) == []
    found = faults_of(write(tmp_path, TOML.replace(old, new, 1), "crm.toml"))
    if fault is None:
        assert found == []
    else:
        assert [each for each in found if each.startswith(fault)], found


def test_a_check_defines_no_class(tmp_path: Path) -> None:
    assert faults_of(write(tmp_path, NAMED)) == []
    assert faults_of(write(tmp_path, NAMED.replace("length: 50", "length: 60"))) == []


def test_all_faults_are_reported_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path, FIELDS.replace("crm", "CRM").replace("user_name", "nme") + "trigger: never\nretries: 5\n")
    faults = check_file(path)
    assert [fault.position.line for fault in faults] == [1, 5, 6, 7]
    assert str(faults[0]).startswith(f"{path}:1:7: name must be")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("absent.yaml", None, "1:1 the file cannot be read: No such file or directory"),
        ("crm.json", b"{}", "1:1 a connector file ends in .toml, .yaml, .yml"),
        ("crm.yaml", b"name: crm\nx: \xff\n", "2:1 the file is not UTF-8"),
        ("crm.yaml", b"name: \x01\n", "1:1 this is no YAML: "),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str, content: bytes | None, fault: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    [found] = faults_of(path)
    assert found.startswith(fault)
