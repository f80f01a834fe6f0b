"""The pages of the documentation: their code blocks, their tables, and what their examples should say."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOCS", "Block", "Step", "first_cells", "fits", "page_blocks", "prose", "rows_of", "steps"]

DOCS = Path(__file__).parents[2] / "docs"

_BOX_DRAWING = re.compile("[\u2500-\u257f]")
_ANYTHING = "…"
_ROW = re.compile(r"^\|(.*)\|$")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: its language, the number of its first line, and the comment above it."""

    language: str
    text: str
    line: int
    note: str


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a console block, and what it says."""

    command: str
    output: str
    line: int


def page_blocks(page: Path) -> list[Block]:
    """The code blocks of a page, in their order."""
    found: list[Block] = []
    lines = page.read_text().splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        text = "".join(f"{inner}\n" for inner in lines[start + 1 : number])
        found.append(Block(lines[start].removeprefix("```"), text, start + 2, _note_above(lines, start)))
        start = None
    assert start is None, f"{page}:{start} begins a block without an end"
    return found


def _note_above(lines: Sequence[str], start: int) -> str:
    above = next((line for line in reversed(lines[:start]) if line), "")
    note = re.fullmatch(r"<!-- (.*) -->", above)
    return note[1] if note else ""


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def steps(block: Block) -> list[Step]:
    """The commands of a console block; a backslash at the end of a line continues it."""
    found: list[Step] = []
    command, output, line = "", "", 0
    continues = False
    for number, text in enumerate(block.text.splitlines(), block.line):
        if continues:
            command += text.removesuffix("\\")
        elif text.startswith("$ "):
            if command:
                found.append(Step(command, output, line))
            command, output, line = text.removeprefix("$ ").removesuffix("\\"), "", number
        else:
            output += f"{text}\n"
            continue
        continues = text.endswith("\\")
    return [*found, Step(command, output, line)]


def fits(expected: str, said: str) -> bool:
    """Whether a program said what a page shows.

    ``…`` stands for anything within a line; alone on a line, for any lines. Spaces and the frames of tables do not
    count.
    """
    pattern = ""
    for line in _squeezed(expected):
        if line == _ANYTHING:
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(map(re.escape, line.split(_ANYTHING))) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _squeezed(said))) is not None


def _squeezed(text: str) -> Iterator[str]:
    for line in text.splitlines():
        squeezed = " ".join(_BOX_DRAWING.sub(" ", line).split())
        if squeezed:
            yield squeezed


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the rows of every table of the documentation whose first heading is this one."""
    found: list[list[str]] = []
    for page in sorted(DOCS.glob("*.md")):
        inside = False
        for line in page.read_text().splitlines():
            row = _ROW.match(line)
            cells = [cell.strip() for cell in row[1].split("|")] if row else [""]
            if inside and cells[0].startswith("`"):
                found.append(cells)
            inside = row is not None and (inside or cells[0] == heading)
    return found


def first_cells(heading: str) -> list[str]:
    """The first cells of these rows, with the code marks off."""
    return [cells[0].strip("`") for cells in rows_of(heading)]
