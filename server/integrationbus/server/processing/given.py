"""What a connector set of an internal object."""

from integrationbus.connectors.models import InternalObject
from integrationbus.connectors.object_class import NODE_ATTRIBUTES, ObjectClass
from integrationbus.server.problems import WrongObject

__all__ = ["given_attributes"]


def given_attributes(object_class: ObjectClass, instance: InternalObject) -> dict[str, object]:
    """What the connector set, and nothing else: an attribute that was not touched is not in the instance.

    Raises WrongObject for an attribute that the class does not have, and for one that is the bus's own.
    """
    known = set(object_class.columns) | set(NODE_ATTRIBUTES if object_class.is_page else ())
    given = {name: value for name, value in vars(instance).items() if not name.startswith("_")}
    misspelt = sorted(name for name in given if name not in known and not hasattr(type(instance), name))
    if misspelt:
        raise WrongObject(f"{object_class.object_type} has no attribute {', '.join(misspelt)}", field_paths=misspelt)
    reserved = [object_class.primary_key, *(["document_node_id"] if object_class.is_page else [])]
    for name in reserved:
        if given.get(name) is not None:
            raise WrongObject(f"{name} is the bus's own: leave it unset", field_paths=[name])
    return {name: value for name, value in given.items() if name in known and name not in reserved}
