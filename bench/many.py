"""As many connectors as one likes: ``bench.many:Person17`` is made when it is asked for."""

from bench.connector import HeldConnector

__all__ = ["class_paths", "name_of"]

_PREFIX = "Person"


def name_of(number: int) -> str:
    """The name of a connector."""
    return f"people-{number}"


def class_paths(count: int) -> list[str]:
    """The connectors from number 0 on."""
    return [f"{__name__}:{_PREFIX}{number}" for number in range(count)]


def __getattr__(name: str) -> type[HeldConnector]:
    """The class of a connector."""
    number = name.removeprefix(_PREFIX)
    if not number.isdecimal():
        raise AttributeError(name)
    made = type(name, (HeldConnector,), {"name": name_of(int(number)), "__doc__": "One of many."})
    globals()[name] = made
    return made
