"""What tests that break servers share: a seed, servers that end with the test, and one table of all campaigns."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.harness.disk import Disk, compiled_shim
from faults.harness.lab import Lab
from faults.harness.postgres import BreakablePostgres, breakable_postgres
from faults.harness.report import summary

_CAMPAIGN = "campaign"
_DEFAULT_SEED = "1"


@pytest.fixture(scope="session")
def faults_seed(pytestconfig: pytest.Config, testrun_uid: str) -> str:
    """Where all chance of a run comes from: given, or a new one where only the long tests run, for all processes."""
    given = str(pytestconfig.getoption("--faults-seed"))
    if given or pytestconfig.getoption("markexpr") != "faults":
        return given or _DEFAULT_SEED
    return str(int(testrun_uid, 16) % 10**6)


@pytest.fixture
def lab(tmp_path: Path, record_property: Callable[[str, object], None], faults_seed: str) -> Iterator[Lab]:
    """A place to break servers in. What campaigns found goes to the process that prints the table."""
    print(f"repeat with --faults-seed={faults_seed}")  # noqa: T201 - pytest shows it with a failure
    place = Lab(folder=tmp_path, seed=faults_seed, keep=lambda report: record_property(_CAMPAIGN, report.row()))
    yield place
    place.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands between a server and its disk."""
    return compiled_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def disk(lab: Lab, shim: Path) -> Disk:
    """The disk of the database of the lab."""
    return Disk(lab.folder, shim)


@pytest.fixture
def own_postgres() -> Iterator[BreakablePostgres]:
    """A PostgreSQL that no other test sees."""
    with breakable_postgres() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what all campaigns found."""
    if config.getoption("markexpr") != "faults":
        return
    tests = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    rows = [row for test in tests if test.when == "call" for name, row in test.user_properties if name == _CAMPAIGN]
    if rows:
        terminalreporter.section("promises under faults")
        for line in summary(rows):
            terminalreporter.write_line(line)
