"""Ids of tasks and runs."""

import uuid_utils

__all__ = ["new_id"]


def new_id() -> str:
    """A UUID of version 7 in text form: ids sort by the time of making, which keeps inserts into indexes cheap."""
    return str(uuid_utils.uuid7())
