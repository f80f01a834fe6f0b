"""What the examples of the documentation have in common."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The module ``people`` of the README. Once for all: classes that are mapped to one table cannot be made twice."""
    found = re.search(r"<!-- example: connector -->\n```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found
    folder = tmp_path_factory.mktemp("people")
    (folder / "people.py").write_text(found[1])
    sys.path.insert(0, str(folder))
    importlib.import_module("people")
    yield
    sys.path.remove(str(folder))
    del sys.modules["people"]
