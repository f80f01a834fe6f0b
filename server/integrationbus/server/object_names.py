"""The names under which an object is recognised by those who wait for it, whoever writes it."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

__all__ = [
    "PAGE",
    "TASK",
    "ObjectName",
    "behind_task",
    "by_code_name",
    "by_ends",
    "by_external_id",
    "by_guid",
    "by_path",
    "is_external_id",
]

ObjectName = tuple[str, str]
"""An object type, and a name within it. External ids are names within one connector only."""

PAGE = "page"
"""Stands for every type of page: a key that points at a page does not say which type it has."""

TASK = "task"
"""Not an object, but an earlier task about the same object."""


_LONGEST = 200


def by_external_id(object_type: str, connector_id: int, external_id: str) -> ObjectName:
    """The object that a connector knows by an external id."""
    return (object_type, _bounded(f"x{connector_id}:", external_id))


def is_external_id(name: ObjectName) -> bool:
    """Whether a name is an external id: two tasks that use it are about one object, whatever else they say."""
    return name[1].startswith("x")


def by_code_name(object_type: str, code_name: str) -> ObjectName:
    """An object with a code name, on whatever site and below whatever parent."""
    return (object_type, _bounded("c:", code_name))


def by_guid(object_type: str, guid: UUID | str) -> ObjectName:
    """The object with a GUID."""
    return (object_type, f"g:{guid}")


def by_ends(object_type: str, ends: Mapping[str, str]) -> ObjectName:
    """A binding, by the external ids that its keys hold."""
    return (object_type, _bounded("b:", str(sorted(ends.items()))))


def by_path(site_name: str, path: str) -> ObjectName:
    """The page at a path of a site."""
    return (PAGE, _bounded("p:", f"{site_name}:{path}"))


def behind_task(sequence: int) -> ObjectName:
    """A waiting task of the same connector, by its place in the line."""
    return (TASK, str(sequence))


def _bounded(kind: str, text: str) -> str:
    """A name that every database can store and index: a digest stands for what is long or odd."""
    if len(text) <= _LONGEST and text.isprintable():
        return f"{kind}{text}"
    return f"{kind}#{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"
