"""The shape of the repository."""

from collections.abc import Sequence
from pathlib import Path

MAX_LINES = 400


def test_the_namespace_package_has_no_init_file(root: Path) -> None:
    """One stray file would hide the other three source roots from an editable install."""
    assert not [path.relative_to(root) for path in root.glob("*/integrationbus/__init__.py")]


def test_no_source_file_holds_several_jobs(root: Path, source_files: Sequence[Path]) -> None:
    # A migration is made once, by a program, and never changed.
    sources = [path for path in source_files if path.suffix == ".py" and "migrations" not in path.parts]
    lines = {str(path): len((root / path).read_text().splitlines()) for path in sources}
    assert lines
    assert {path: count for path, count in lines.items() if count > MAX_LINES} == {}


def test_test_files_have_unique_names(source_files: Sequence[Path]) -> None:
    names = [path.name for path in source_files if path.match("tests/**/test_*.py")]
    assert sorted(names) == sorted(set(names))
