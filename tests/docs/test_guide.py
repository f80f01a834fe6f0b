"""The pages of the documentation do what they say: their examples run, one page after the other, each from its top.

Python blocks of a page share their names; what one prints stands in the ``text`` block behind it. Commands of console
blocks run through the command line, and what the page shows behind one is what it says. ``<!-- server: CLASSES -->``
names the connectors of the page's server, and ``<!-- not run: WHY -->`` leaves a block out. A block with
``<!-- example: NAME -->`` has a test of its own.
"""

import asyncio
import io
import re
import shlex
import tomllib
from contextlib import AsyncExitStack, redirect_stdout
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import pytest
from support.guide import DOCS, Block, Step, fits, page_blocks, prose, steps
from support.served import Served, serve
from typer.testing import CliRunner

from integrationbus.connectors.discovery import ENTRY_POINT_GROUP
from integrationbus.server.cli.commands import app

PAGES = sorted(DOCS.glob("*.md"))
ADDRESS = "127.0.0.1:50051"


class Session:
    """One page from its top: the names that its Python has, its server, and the exit code of the last command."""

    def __init__(self, page: Path, folder: Path, resources: AsyncExitStack) -> None:
        self._page = page
        self._database = f"sqlite:///{folder / 'server.db'}"
        self._resources = resources
        self._names: dict[str, Any] = {"__name__": page.stem}
        self._served: Served | None = None
        self._exit_code = 0

    async def python(self, block: Block) -> str:
        """Run a block; returns what it prints."""
        if ADDRESS in block.text:
            block = Block(block.language, block.text.replace(ADDRESS, await self._server()), block.line, block.note)
        said = io.StringIO()

        def run() -> None:
            code = compile("\n" * (block.line - 1) + block.text, str(self._page), "exec")
            with redirect_stdout(said):
                exec(code, self._names)  # noqa: S102 - the documentation is ours

        await asyncio.to_thread(run)
        return said.getvalue()

    async def console(self, step: Step) -> str:
        """Run a command; returns what it says."""
        if step.command == "echo $?":
            code, self._exit_code = self._exit_code, 0
            return f"{code}\n"
        assert self._exit_code == 0, f"{self._page}:{step.line}: the command before ended with {self._exit_code}"
        program, *words = shlex.split(step.command, comments=True)
        assert program == "integrationbus", f"{self._page}:{step.line}: only integrationbus runs here"
        environment = {
            "INTEGRATIONBUS_SERVER": await self._server(),
            "INTEGRATIONBUS_DATABASE_URL": self._database,
            "COLUMNS": "200",
        }
        result = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment)
        self._exit_code = result.exit_code
        return result.output

    @property
    def failed(self) -> bool:
        """Whether the last command failed, and the page does not say so."""
        return self._exit_code != 0

    async def _server(self) -> str:
        """The address of the page's server, which starts when it is needed."""
        if self._served is None:
            named = re.search(r"<!-- server: (.*?) -->", self._page.read_text())
            assert named, f"{self._page} needs a server and does not say with which connectors"
            self._served = await self._resources.enter_async_context(serve(self._database, named[1].split(", ")))
        return self._served.address


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_examples_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = page_blocks(page)
    async with AsyncExitStack() as resources:
        session = Session(page, tmp_path, resources)
        for block, following in zip_longest(blocks, blocks[1:]):
            if block.note.startswith(("example: ", "not run: ")):
                continue
            if block.language == "python":
                shown = following.text if following and following.language == "text" else ""
                said = await session.python(block)
                assert fits(shown, said), f"{page}:{block.line} prints:\n{said}"
            elif block.language == "console":
                for step in steps(block):
                    said = await session.console(step)
                    assert fits(step.output, said), f"{page}:{step.line}: {step.command}\n{said}"
                assert not session.failed, f"{page}: the last command failed"


def test_nothing_is_shown_that_no_test_looks_at() -> None:
    for page in PAGES:
        for before, block in pairwise([None, *page_blocks(page)]):
            assert block
            where = f"{page}:{block.line}"
            if block.language == "text":
                assert before, where
                assert before.language == "python", where
            elif block.language == "toml":
                assert list(tomllib.loads(block.text)["project"]["entry-points"]) == [ENTRY_POINT_GROUP], where
            elif block.language == "yaml":
                assert block.note.startswith("example: "), where
            else:
                assert block.language in {"python", "console", ""}, where


@pytest.mark.parametrize(
    ("shown", "said", "right"),
    [
        ("a b\n", "a  b\n", True),
        ("a b\n", "a c\n", False),
        ("a … c\n", "a 7 8 c\n", True),
        ("a … c\n", "a 7\n8 c\n", False),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a\n…\nc\n", "a\nb\n", False),
        (" a  b\n 1  2\n", "┏━━━┳━━━┓\n┃ a ┃ b ┃\n┡━━━╇━━━┩\n│ 1 │ 2 │\n└───┴───┘\n", True),
        ("", "a\n", False),
        ("a\n", "", False),
    ],
)
def test_what_is_said_is_compared_with_what_is_shown(shown: str, said: str, right: bool) -> None:
    assert fits(shown, said) is right


def test_every_example_with_a_name_has_a_test() -> None:
    named = {note.group(1) for page in PAGES for note in re.finditer(r"<!-- example: (\w+) -->", page.read_text())}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert named
    assert [name for name in sorted(named) if f'"{name}"' not in tests and f": {name} -->" not in tests] == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in index] == []


def test_every_link_leads_somewhere() -> None:
    links = [
        (page, (page.parent / target) if target else page, anchor)
        for page in PAGES
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", prose(page))
    ]
    assert links
    assert [(page.name, target.name) for page, target, _ in links if not target.exists()] == []
    assert [(page.name, anchor) for page, target, anchor in links if anchor and anchor not in anchors(target)] == []


def anchors(page: Path) -> set[str]:
    """What links can name of a page: its headings, as browsers of Markdown make anchors of them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
