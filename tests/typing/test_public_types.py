"""The public types, as users' type checkers see them."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["client_types.py", "connector_types.py", "server_values.py"])
def test_mypy_sees_the_types_that_are_promised(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", str(HERE / name)],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
