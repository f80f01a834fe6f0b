"""The README's first screen gets a newcomer going."""

from pathlib import Path

import pytest

SCREEN_LINES = 40


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_first_screen_of_the_readme_names_the_command(root: Path, command: str) -> None:
    first_screen = (root / "README.md").read_text().splitlines()[:SCREEN_LINES]
    assert command in "\n".join(first_screen)
