"""The benchmarks run. How fast anything is, no test says."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from support.guide import first_cells

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "RESULTS.md"
BENCH = (sys.executable, "-m", "bench")
NO_POSTGRES = {"INTEGRATIONBUS_TEST_POSTGRES_URL": "postgresql://127.0.0.1:1/nothing"}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """What becomes of a question that fails and of the cheapest one: as JSON, and as the report."""
    before = RESULTS.read_text() if RESULTS.exists() else None
    report = tmp_path_factory.mktemp("bench") / "report.md"
    command = (*BENCH, "drain_postgres", "door", "--quick", "--runs", "2", "--json", "--output", str(report))
    environment = {**os.environ, **NO_POSTGRES}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 1, done.stderr
    assert (RESULTS.read_text() if RESULTS.exists() else None) == before, "only a full run writes the results"
    return json.loads(done.stdout), report.read_text()


def test_a_question_is_answered_by_figures_of_every_round(answered: tuple[dict[str, Any], str]) -> None:
    question = answered[0]["questions"][1]
    [row] = question["rows"]
    assert (question["name"], question["error"], row["unit"]) == ("door", "", "tasks/s")
    assert [len(row[name]) for name in ("runs", "limit_runs")] == [2, 2]
    assert all(figure > 0 for figure in (*row["runs"], *row["limit_runs"], row["ratio"]))
    assert row["target"] == "ratio >= 0.8"
    assert row["reached"] is (row["ratio"] >= 0.8)


def test_a_question_that_fails_says_so_and_keeps_no_other_away(answered: tuple[dict[str, Any], str]) -> None:
    found, report = answered
    question = found["questions"][0]
    assert (question["name"], question["rows"]) == ("drain_postgres", [])
    assert question["error"].startswith("OperationalError: ")
    assert "**Failed** (OperationalError)" in report


def test_the_report_names_machine_versions_and_settings_but_no_place(answered: tuple[dict[str, Any], str]) -> None:
    found, report = answered
    facts = {**found["machine"], **found["versions"], **found["settings"]}
    assert {"processor", "memory", "Python", "SQLite", "SQLAlchemy", "record"} <= facts.keys()
    assert [name for name, fact in facts.items() if f"- {name}: {fact}" not in report] == []
    assert found["date"] in report
    assert not [place for place in (str(ROOT), tempfile.gettempdir(), "127.0.0.1") if place in report]


def test_a_question_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    done = subprocess.run((*BENCH, "dor"), cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "there is no question 'dor'" in done.stderr
    assert "drain_sqlite" in done.stderr


def test_every_question_is_in_the_guide_and_no_other() -> None:
    files = {path.stem for path in (ROOT / "bench" / "questions").glob("[!_]*.py")}
    assert set(first_cells("question")) == files
