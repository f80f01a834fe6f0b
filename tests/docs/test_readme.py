"""The examples of the README run."""

import asyncio
import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from support.served import serve
from typer.testing import CliRunner

from integrationbus.server.cli.commands import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found, f"there is no example {name}"
    return found[1]


@pytest.mark.usefixtures("people")
async def test_the_connector_and_the_client_of_the_readme_work_together(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", ["people:PeopleConnector"]) as served:
        said = io.StringIO()
        code = example("client").replace("127.0.0.1:50051", served.address)

        def run_example() -> None:
            with redirect_stdout(said):
                exec(compile(code, "example", "exec"), {})  # noqa: S102 - the documentation is ours

        await asyncio.to_thread(run_example)
    assert said.getvalue().splitlines() == ["Create object 42 RUNNING", "Create object 42 SUCCEEDED"]


def commands(text: str) -> list[list[str]]:
    """The commands of the first console block, as a shell would split them."""
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block
    lines = block[1].replace("\\\n", " ").splitlines()
    return [shlex.split(line.removeprefix("$ integrationbus"), comments=True) for line in lines]


async def test_the_first_steps_of_the_readme_lead_where_they_say(tmp_path: Path) -> None:
    connector = "integrationbus.connectors.iso3166:Iso3166Connector"
    said: dict[str, str] = {}
    async with serve(f"sqlite:///{tmp_path / 'bus.db'}", [connector]) as served:
        environment = {"INTEGRATIONBUS_SERVER": served.address, "COLUMNS": "200"}
        for words in commands(README):
            endless = ["--snapshot", "--count", "1"] if words == ["watch"] else []
            settle = [["notify", "iso3166", "--wait"]] if words[0] == "log" else []
            for each in ([*words, *endless], *settle):
                result = await asyncio.to_thread(CliRunner().invoke, app, each, env=environment)
                assert result.exit_code == 0, result.output
                said[" ".join(each[:2])] = result.output
    assert "WAITING" in said["tasks"]
    assert "AT-X" in said["tasks --waiting-for"]
    assert said["tasks delete"] == "1 task deleted\n"
    assert "DELETED" in said["watch --snapshot"]
