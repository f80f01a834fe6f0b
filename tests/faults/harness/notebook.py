"""Lines of JSON that survive whatever happens to their writer."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.checker.evidence import Call, Watched

__all__ = ["Notebook"]


class Notebook:
    """A file of calls or of what watchers received; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._guard = threading.Lock()

    def note(self, line: Call | Watched) -> None:
        """Write a line down."""
        self._write(asdict(line))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line)
        with self._guard:
            self._file.write(f"{text}\n")
            self._file.flush()
