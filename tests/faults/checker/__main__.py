"""``python -m faults.checker --database URL [--history FILE] [--watches FILE] [--json]``; exits with 1 for a breach."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from faults.checker.checks import CHECKS
from faults.checker.loading import load
from faults.checker.verdict import examine, table

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m faults.checker", description="Check what the bus promises.")
    parser.add_argument("--database", required=True, help="the URL of a database that no server works on")
    parser.add_argument("--history", type=Path, help="the calls of the clients, as lines of JSON")
    parser.add_argument("--watches", type=Path, help="what the watchers received, as lines of JSON")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args(arguments)
    findings = examine(load(options.database, options.history, options.watches), CHECKS)
    text = json.dumps([asdict(finding) for finding in findings], indent=2) if options.json else table(findings)
    sys.stdout.write(f"{text}\n")
    return int(any(finding.violations for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
