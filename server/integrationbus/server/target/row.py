"""A row on its way to the target."""

from integrationbus.server.value import value

__all__ = ["TargetRow"]


@value
class TargetRow:
    """An object with its foreign keys translated and its values checked, by attribute name.

    ``external_id`` is the id by which the connector knows the object, or empty. ``notes`` go into the result.
    """

    values: dict[str, object]
    external_id: str = ""
    notes: tuple[str, ...] = ()
