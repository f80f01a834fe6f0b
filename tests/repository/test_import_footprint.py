"""What importing a public package brings along."""

import subprocess
import sys
from collections.abc import Sequence

import pytest


def modules_after(package: str, *, without: Sequence[str] = ()) -> set[str]:
    """The modules that a fresh interpreter has loaded after an import, in which some packages cannot be imported."""
    script = f"import sys; sys.modules.update(dict.fromkeys({list(without)})); import {package}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_client_needs_nothing_of_the_server_installed() -> None:
    server_only = ["sqlalchemy", "alembic", "pydantic", "typer", "rich", "apscheduler", "uvloop", "psycopg"]
    assert "integrationbus.client" in modules_after("integrationbus.client", without=server_only)


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("integrationbus.client", ["integrationbus.server", "integrationbus.connectors"]),
        ("integrationbus.connectors", ["integrationbus.server", "integrationbus.client"]),
        ("integrationbus.connectors.discovery", ["cel", "ruamel", "tree_sitter"]),
    ],
)
def test_a_package_does_not_load_what_it_must_not_know(package: str, strangers: Sequence[str]) -> None:
    assert modules_after(package).isdisjoint(strangers)
