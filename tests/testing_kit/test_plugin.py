"""The plugin for pytest, in a pytest of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from integrationbus.server import testing
from integrationbus.server.testing.harness import ConnectorHarness

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PLUGIN = "integrationbus.server.testing.plugin"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_the_fixture_makes_harnesses_and_closes_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    pytester.makepyfile(
        """
        from pathlib import Path
        from tempfile import gettempdir

        from integrationbus.client import TaskState, TaskType
        from integrationbus.connectors import IntegrationConnector
        from integrationbus.connectors.cms import UserInfo

        class CrmConnector(IntegrationConnector):
            name = "crm"
            object_classes = (UserInfo,)

            def prepare_internal_object(self, obj, task_type, data_type, site_name):
                return UserInfo(user_name=obj["login"])

        def test_two(connector_harness):
            for bus in (connector_harness(CrmConnector), connector_harness(CrmConnector)):
                assert bus.process(TaskType.CREATE_OBJECT, {"login": "jane"}).state is TaskState.SUCCEEDED
            assert len(list(Path(gettempdir()).glob("integrationbus-*"))) == 2
        """
    )
    pytester.runpytest_subprocess("-p", PLUGIN, "-p", "no:cacheprovider").assert_outcomes(passed=1)
    assert list(temporary.glob("integrationbus-*")) == []


@pytest.mark.parametrize("options", [(), ("-p", PLUGIN)], ids=["by entry point", "by option as well"])
def test_an_installed_package_brings_the_plugin_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    metadata = pytester.mkdir("announced-1.0.dist-info")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    lines = "".join(f"{name} = {module}\n" for name, module in declared.items())
    (metadata / "entry_points.txt").write_text(f"[pytest11]\n{lines}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), *filter(None, sys.path)]))
    pytester.makeconftest(f"pytest_plugins = ['{PLUGIN}']")
    pytester.makepyfile("def test_it(connector_harness):\n    assert callable(connector_harness)")
    pytester.runpytest_subprocess(*options, "-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_plugin_costs_next_to_nothing_until_it_is_used() -> None:
    heavy = ["sqlalchemy", "grpc", "google.protobuf", "alembic", "integrationbus.connectors", "integrationbus.client"]
    done = run("-c", f"import sys, {PLUGIN}; print([name for name in {heavy} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_the_harness_needs_no_pytest() -> None:
    done = run(
        "-c",
        "import sys; sys.modules['pytest'] = None; from integrationbus.server.testing import ConnectorHarness;"
        "from integrationbus.connectors.iso3166 import Iso3166Connector; ConnectorHarness(Iso3166Connector).close()",
    )
    assert done.returncode == 0, done.stderr


def test_the_names_of_the_package_are_found_when_they_are_needed() -> None:
    assert testing.ConnectorHarness is ConnectorHarness
    assert [name for name in testing.__all__ if not hasattr(testing, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'NoSuchName'"):
        getattr(testing, "NoSuchName")  # noqa: B009 - mypy sees that there is none
