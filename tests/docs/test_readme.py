"""The examples of the README run."""

import asyncio
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from support.served import serve

README = (Path(__file__).parents[2] / "README.md").read_text()


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found, f"the README has no example {name}"
    return found[1]


async def test_the_connector_and_the_client_of_the_readme_work_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.py").write_text(example("connector"))
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("people", None)
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", ["people:PeopleConnector"]) as served:
        code = example("client").replace("127.0.0.1:50051", served.address)
        said = io.StringIO()

        def run_example() -> None:
            with redirect_stdout(said):
                exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the README is ours

        await asyncio.to_thread(run_example)
    assert said.getvalue().splitlines() == ["Create object 42 RUNNING", "Create object 42 SUCCEEDED"]
