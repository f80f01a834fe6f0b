"""What the guards of the repository look at."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_NOT_OURS = {"__pycache__", "build", "dist", "htmlcov", "node_modules"}
_GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi", "*.binpb")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder."""
    return _ROOT


@pytest.fixture(scope="session")
def source_files() -> Sequence[Path]:
    """Every file that people wrote, relative to the top folder: no environments, caches or generated code."""
    return [path.relative_to(_ROOT) for path in _walk(_ROOT) if not any(path.match(name) for name in _GENERATED)]


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _NOT_OURS and (path.name == ".ci" or not path.name.startswith(".")):
                yield from _walk(path)
        elif not path.name.startswith(".coverage"):
            yield path
