"""What a connector set of an internal object."""

from functools import cache

from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, ObjectClass, describe
from integrationbus.server.problems import WrongObject

__all__ = ["given_attributes"]


def given_attributes(object_class: ObjectClass, instance: InternalObject) -> dict[str, object]:
    """What the connector set, and nothing else: an attribute that was not touched is not in the instance.

    Raises WrongObject for an attribute that the class does not have, and for one that is the bus's own.
    """
    settable = _settable(object_class.cls)
    given: dict[str, object] = {}
    others: dict[str, object] = {}
    for name, value in vars(instance).items():
        if name in settable:
            given[name] = value
        elif not name.startswith("_"):
            others[name] = value
    if others:
        _check_others(object_class, others)
    return given


def _check_others(object_class: ObjectClass, others: dict[str, object]) -> None:
    reserved = _reserved(object_class)
    misspelt = sorted(name for name in others if name not in reserved and not hasattr(object_class.cls, name))
    if misspelt:
        raise WrongObject(f"{object_class.object_type} has no attribute {', '.join(misspelt)}", field_paths=misspelt)
    for name in reserved:
        if others.get(name) is not None:
            raise WrongObject(f"{name} is the bus's own: leave it unset", field_paths=[name])


def _reserved(object_class: ObjectClass) -> tuple[str, ...]:
    return (object_class.primary_key, *(("document_node_id",) if object_class.is_page else ()))


@cache
def _settable(cls: type[InternalObject]) -> frozenset[str]:
    """The attributes of a class that a connector may set."""
    object_class = describe(cls)
    known = {*object_class.columns, *(NODE_ATTRIBUTES if object_class.is_page else ())}
    return frozenset(name for name in known.difference(_reserved(object_class)) if not name.startswith("_"))
