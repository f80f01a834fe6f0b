"""A promise without a test would be a lie."""

import re
from pathlib import Path

ROW = re.compile(r"^\| .* \| `([\w/]+\.py)::(\w+)` \|$", re.MULTILINE)


def test_every_promise_of_the_readme_has_its_test(root: Path) -> None:
    section = (root / "README.md").read_text().partition("## Promises\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| promise |")]
    proofs = ROW.findall(section)
    assert len(proofs) == len(rows) > 20
    missing = [
        f"{file}::{name}"
        for file, name in proofs
        if not re.search(rf"def {name}\(", (root / "tests" / file).read_text())
    ]
    assert missing == []
