"""``integrationbus connectors new``: what it writes works as it is."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from integrationbus.server.cli.commands import app

ROOTS = [str(Path(__file__).parents[2] / name) for name in ("protos", "server", "client", "connectors")]

FILES = ["README.md", "pyproject.toml", "{package}/__init__.py", "{package}/connector.py", "tests/test_connector.py"]


def new(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["connectors", "new", *arguments])


def run_in(folder: Path, *module: str) -> "subprocess.CompletedProcess[str]":
    """Run a module of this environment in a folder, where the bus can be imported."""
    roots = os.pathsep.join(ROOTS)
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": roots, "MYPYPATH": roots},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module", params=["crm", "my.old-crm_2"])
def skeleton(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A connector as the command writes it: with as little as possible, and with everything."""
    folder = tmp_path_factory.mktemp("skeleton")
    options = [] if request.param == "crm" else ["--object-type", "old.crm.line_item"]
    result = new(request.param, "--folder", str(folder), *options)
    assert result.exit_code == 0, result.output
    return folder / f"{request.param}-connector"


@pytest.mark.timeout(300)
def test_the_tests_of_a_new_connector_pass(skeleton: Path) -> None:
    done = run_in(skeleton, "pytest", "-p", "integrationbus.server.testing.plugin", "-p", "no:cacheprovider", "-rA")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_a_deletion_deletes_the_object_of_its_sample" in done.stdout
    assert "13 passed" in done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy", "--strict", "--cache-dir", os.devnull, "."),
    ],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_the_tools_have_nothing_to_say_about_a_new_connector(skeleton: Path, command: tuple[str, ...]) -> None:
    if find_spec(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = run_in(skeleton, *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_skeleton_is_found_by_its_entry_point(skeleton: Path) -> None:
    script = (
        "import tomllib, pathlib; from integrationbus.connectors.discovery import ENTRY_POINT_GROUP, find_connectors;"
        "group = tomllib.loads(pathlib.Path('pyproject.toml').read_text())['project']['entry-points'];"
        "[(name, path)] = group[ENTRY_POINT_GROUP].items();"
        "[found] = find_connectors([path], use_entry_points=False); assert found.name == name, found"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=skeleton,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(skeleton), *ROOTS])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_was_written_and_what_comes_next_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = new("crm")
    expected = [name.format(package="crm_connector") for name in FILES]
    assert result.stdout.splitlines() == [
        "crm-connector/",
        *(f"    {name}" for name in expected),
        "Next:",
        "    cd crm-connector",
        "    pip install --editable '.[dev]'",
        "    pytest",
    ]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path / "crm-connector")) for path in written) == sorted(expected)
    assert [path for path in written if "$" in path.read_text().replace("$ ", "")] == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    taken = tmp_path / "crm-connector" / "tests" / "test_connector.py"
    taken.parent.mkdir(parents=True)
    taken.write_text("mine")
    result = new("crm", "--folder", str(tmp_path))
    assert (result.exit_code, str(taken) in result.stderr) == (1, True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [taken]
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["Crm"], "no name for a connector"),
        (["1c"], "a letter at the start"),
        (["crm/../x"], "no name for a connector"),
        (["x" * 101], "no name for a connector"),
        (["x" * 60], "set one with --object-type"),
        (["crm", "--object-type", "contact"], "no object type"),
        (["crm", "--object-type", "Crm.Contact"], "no object type"),
        (["crm", "--object-type", "cms.user"], "a type that the bus has already"),
        (["crm", "--object-type", "cms.user.role"], "the table of"),
        (["crm", "--object-type", "crm.base"], "BaseInfo"),
        (["integration"], "IntegrationConnector"),
    ],
)
def test_what_would_not_work_is_refused(arguments: list[str], problem: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["connectors", "new", *arguments, "--folder", str(tmp_path)], env={"COLUMNS": "500"}
    )
    assert (result.exit_code, problem in result.stderr) == (2, True), result.output
    assert list(tmp_path.iterdir()) == []
