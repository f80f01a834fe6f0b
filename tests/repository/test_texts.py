"""What no file of the repository may say."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

REGISTRIES = r"pypi\.org|pythonhosted\.org|registry\.npmjs|proxy\.golang|crates\.io|artifactory|index-url|find-links"
MACHINE_PATHS = r"(?<![\w.$}{)~/-])/(?:work|tmp|root|home|Users)/"


def lines_with(pattern: str, root: Path, files: Sequence[Path]) -> list[str]:
    """Every line that the pattern is found in, as "file:line: text"; this file is left out, it has to name them."""
    found = re.compile(pattern)
    return [
        f"{path}:{number}: {line.strip()}"
        for path in files
        if path != Path(__file__).relative_to(root)
        for number, line in enumerate((root / path).read_text(errors="replace").splitlines(), start=1)
        if found.search(line)
    ]


@pytest.mark.parametrize("text", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_for_later(text: str, root: Path, source_files: Sequence[Path]) -> None:
    assert lines_with(rf"\b{text}\b", root, source_files) == []


def test_no_file_names_a_package_registry(root: Path, source_files: Sequence[Path]) -> None:
    """Where packages come from is the business of the machine that installs them."""
    assert lines_with(REGISTRIES, root, source_files) == []


def test_no_file_names_a_path_of_one_machine(root: Path, source_files: Sequence[Path]) -> None:
    assert lines_with(MACHINE_PATHS, root, source_files) == []


def test_the_server_does_not_print(root: Path, source_files: Sequence[Path]) -> None:
    """A service logs; its command line speaks through the console of rich."""
    server = [path for path in source_files if path.parts[0] == "server"]
    assert server
    assert lines_with(r"^\s*print\(", root, server) == []
