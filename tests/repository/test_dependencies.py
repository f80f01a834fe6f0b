"""The declared dependencies, the pinned versions and the generated code agree."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version


@pytest.fixture(scope="module")
def declared(root: Path) -> Mapping[str, Requirement]:
    """Every requirement of pyproject.toml, by name."""
    content = tomllib.loads((root / "pyproject.toml").read_text())
    groups = [
        content["project"]["dependencies"],
        *content["project"]["optional-dependencies"].values(),
        *content["dependency-groups"].values(),
    ]
    lines = [line for group in groups for line in group if isinstance(line, str)]
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


@pytest.fixture(scope="module")
def pinned(root: Path) -> Mapping[str, Version]:
    """The versions of constraints.txt, by name."""
    lines = (root / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    return {pin.name: Version(str(pin.specifier).removeprefix("==")) for pin in pins}


def test_every_dependency_is_pinned_within_its_bounds(
    declared: Mapping[str, Requirement], pinned: Mapping[str, Version]
) -> None:
    foreign = {name: requirement for name, requirement in declared.items() if name != "integrationbus"}
    assert foreign.keys() - pinned.keys() == set()
    assert [name for name, requirement in foreign.items() if pinned[name] not in requirement.specifier] == []


def generated_by(root: Path, pattern: str) -> Iterator[Version]:
    """The versions that the generated code says it was made for."""
    for path in (root / "protos").rglob("*_pb2*.py"):
        if found := re.search(pattern, path.read_text()):
            yield Version(found[1])


@pytest.mark.parametrize(
    ("package", "pattern"),
    [
        ("protobuf", r"# Protobuf Python Version: ([\d.]+)"),
        ("grpcio", r"GRPC_GENERATED_VERSION = '([\d.]+)'"),
    ],
)
def test_the_oldest_allowed_runtime_runs_the_generated_code(
    root: Path, declared: Mapping[str, Requirement], package: str, pattern: str
) -> None:
    versions = set(generated_by(root, pattern))
    assert versions
    floor = next(Version(bound.version) for bound in declared[package].specifier if bound.operator == ">=")
    assert floor >= max(versions)
