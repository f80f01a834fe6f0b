"""Each rule of the conformance suite is kept by a good connector, and broken by the one that was made for it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

CASES = Path(__file__).parent / "conformance_cases.py"

GOOD = ("TestGood", "TestPages", "TestText")

BROKEN = {
    "TestNameOfTheClass": ("test_the_server_accepts_the_class", "name must be 1 to 100 of a-z"),
    "TestTableOfTheClass": ("test_the_server_accepts_the_class", "another class has the object type cms.user"),
    "TestConstructorArgument": ("test_the_constructor_needs_nothing", "missing 1 required positional argument"),
    "TestConstructorTwice": ("test_the_constructor_needs_nothing", "there can be only one"),
    "TestStranger": ("test_it_makes_objects_of_its_object_classes", "made a PartInfo: add the class"),
    "TestNothingMade": ("test_it_makes_objects_of_its_object_classes", "returned None"),
    "TestNoSamples": ("test_every_sample_succeeds", "samples is empty"),
    "TestFailingSample": ("test_every_sample_succeeds", "no part b"),
    "TestRefusedSample": ("test_every_sample_succeeds", "good makes no kit.nothing"),
    "TestSecondObject": ("test_a_sample_again_updates_its_object", "when it came again"),
    "TestSecondTime": ("test_a_sample_again_updates_its_object", "fails the second time"),
    "TestClock": ("test_every_start_makes_the_same_objects", "made was"),
    "TestDeletion": ("test_a_deletion_deletes_the_object_of_its_sample", "nothing is ever deleted"),
    "TestDeletionOfAnother": ("test_a_deletion_deletes_the_object_of_its_sample", "leaves its kit.part as it was"),
    "TestChangedPayload": ("test_the_payload_is_left_as_it_was", "read the payload, or copy it first"),
    "TestState": ("test_calls_share_no_state", "keep nothing of one call"),
    "TestKeys": ("test_a_key_leads_to_the_same_place_every_time", "answer by the id alone"),
    "TestUnusable": ("test_an_unusable_payload_fails_its_task_alone", "left an object behind"),
    "TestUnusableDeletion": ("test_an_unusable_payload_fails_its_task_alone", "{} means nothing"),
    "TestUnusableRemembered": ("test_an_unusable_payload_fails_its_task_alone", "a usable one fails"),
    "TestUnusableRetried": ("test_an_unusable_payload_fails_its_task_alone", "RetryableError only when"),
}
"""The cases that fail, each with the test that does and what it says."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, ET.Element]]:
    """What pytest reports about every test of every case."""
    report = tmp_path_factory.mktemp("conformance") / "report.xml"
    options = ["-q", "--noconftest", "-p", "no:cacheprovider", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *options, str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    found: dict[str, dict[str, ET.Element]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        found.setdefault(case.attrib["classname"].rpartition(".")[2], {})[case.attrib["name"]] = case
    return found


def failures(report: Mapping[str, ET.Element]) -> dict[str, str]:
    """The tests that did not pass and were not skipped, with what they said."""
    return {
        name: problem.attrib["message"] + (problem.text or "")
        for name, case in report.items()
        for problem in case
        if problem.tag in ("failure", "error")
    }


def skipped(report: Mapping[str, ET.Element]) -> list[str]:
    """The tests that were skipped."""
    return [name for name, case in report.items() if case.find("skipped") is not None]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", GOOD)
def test_a_good_connector_passes_every_test(reports: Mapping[str, Mapping[str, ET.Element]], name: str) -> None:
    assert len(reports[name]) == len({test for test, _ in BROKEN.values()})
    assert failures(reports[name]) == {}
    assert skipped(reports[name]) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_fails_its_test_alone(reports: Mapping[str, Mapping[str, ET.Element]], name: str) -> None:
    test, message = BROKEN[name]
    failed = failures(reports[name])
    assert list(failed) == [test]
    assert message in failed[test]


@pytest.mark.timeout(300)
def test_every_case_is_looked_at(reports: Mapping[str, Mapping[str, ET.Element]]) -> None:
    assert reports.keys() == BROKEN.keys() | {*GOOD, "TestPreparedByTheCaller", "TestRuleLeftOut"}


@pytest.mark.timeout(300)
def test_rules_about_calls_pass_when_the_caller_prepares(reports: Mapping[str, Mapping[str, ET.Element]]) -> None:
    assert failures(reports["TestPreparedByTheCaller"]) == {}
    assert skipped(reports["TestPreparedByTheCaller"]) == ["test_an_unusable_payload_fails_its_task_alone"]


@pytest.mark.timeout(300)
def test_a_rule_can_be_left_out(reports: Mapping[str, Mapping[str, ET.Element]]) -> None:
    assert "test_a_deletion_deletes_the_object_of_its_sample" not in reports["TestRuleLeftOut"]
    assert failures(reports["TestRuleLeftOut"]) == {}
