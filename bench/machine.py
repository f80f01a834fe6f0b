"""Where the figures come from: the machine, and the versions of everything that matters."""

import os
import platform
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from integrationbus.server import __version__

__all__ = ["machine", "versions"]

_PACKAGES = ("grpcio", "protobuf", "SQLAlchemy", "psycopg", "uvloop")
_PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def machine(folder: Path) -> Mapping[str, str]:
    """What it is, without its name; ``folder`` is where the databases are."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "file system of the databases": _file_system(folder),
        "load of the last minute at the start": f"{psutil.getloadavg()[0]:.1f}",
    }


def versions() -> Mapping[str, str]:
    """The versions, by name; those of peers that are not installed are left out."""
    found = {"Integration Bus": __version__, "Python": platform.python_version(), "SQLite": sqlite3.sqlite_version}
    for name in (*_PACKAGES, *_peer_packages()):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or "unknown")


def _file_system(folder: Path) -> str:
    """The kind of file system; that of the longest mount point above the folder."""
    place = folder.resolve()
    above = [each for each in psutil.disk_partitions(all=True) if place.is_relative_to(each.mountpoint)]
    return max(above, key=lambda each: len(each.mountpoint)).fstype if above else "unknown"


def _peer_packages() -> Iterator[str]:
    groups = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    for line in groups.get("bench", ()):
        if isinstance(line, str):
            yield Requirement(line).name
