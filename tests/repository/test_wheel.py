"""What users get."""

import zipfile
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOTS = ("protos", "server", "client", "connectors")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> AbstractSet[str]:
    """The names of the files in a wheel, without its metadata."""
    built = next(WheelBuilder(str(root)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]))
    with zipfile.ZipFile(built) as content:
        return {name for name in content.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_four_packages_and_nothing_else(root: Path, wheel: AbstractSet[str]) -> None:
    expected = {
        str(path.relative_to(root / folder))
        for folder in ROOTS
        for path in (root / folder / "integrationbus").rglob("*")
        if path.is_file()
        and not any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(root).parts)
    }
    assert wheel == expected


@pytest.mark.parametrize(
    "name",
    [
        "integrationbus/v1/enums.binpb",
        "integrationbus/v1/task_service.proto",
        "integrationbus/v1/task_service_pb2.pyi",
        "integrationbus/v1/py.typed",
        "integrationbus/server/storage/migrations/env.py",
    ],
)
def test_the_wheel_holds_what_is_no_python_module(wheel: AbstractSet[str], name: str) -> None:
    assert name in wheel


@pytest.mark.parametrize("package", ["client", "connectors", "server", "v1", "examples/iso3166/v1"])
def test_every_package_says_that_it_is_typed(wheel: AbstractSet[str], package: str) -> None:
    assert f"integrationbus/{package}/py.typed" in wheel
