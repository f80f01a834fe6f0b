"""The example of the page about tests of connectors runs."""

import re
from pathlib import Path

import pytest

from integrationbus.connectors.iso3166 import Iso3166Connector
from integrationbus.server.testing import ConnectorConformance, ConnectorHarness

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing-connectors.md").read_text()


def example(page: str, name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", page, re.DOTALL)
    assert found, f"there is no example {name}"
    return found[1]


def test_the_connector_of_the_readme_passes_the_tests_of_the_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(people=example((ROOT / "README.md").read_text(), "connector"))
    pytester.makepyfile(test_people=example(PAGE, "test"))
    result = pytester.runpytest_subprocess("-p", "integrationbus.server.testing.plugin", "-p", "no:cacheprovider")
    rules = [name for name in vars(ConnectorConformance) if name.startswith("test_")]
    result.assert_outcomes(passed=len(rules) + 2)


def test_the_calls_of_the_page_exist() -> None:
    with ConnectorHarness(Iso3166Connector) as bus:
        called = set(re.findall(r"`bus\.(\w+)", PAGE))
        assert {"process", "given", "clock"} <= called
        assert [name for name in called if not hasattr(bus, name)] == []
