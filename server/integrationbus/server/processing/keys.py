"""Foreign keys of prepared objects: what they point at, and where the connector says to look."""

from collections.abc import Callable
from typing import TypeVar

from integrationbus.connectors.connector import IntegrationConnector, RetryableError
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams, Reference
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.prepared import KeyReference
from integrationbus.server.problems import KeyLookupFailed, WrongObject
from integrationbus.server.registry import ConnectorRegistry

__all__ = ["KeyReader"]

_Params = TypeVar("_Params", ObjectParams, DocumentParams)

_MAX_NESTING = 16


class KeyReader:
    """Turns the external ids in foreign keys into references, and asks the connector once for each distinct one."""

    def __init__(self, connector: IntegrationConnector, registry: ConnectorRegistry) -> None:
        self._connector = connector
        self._registry = registry
        self._known: dict[tuple[str, str], KeyReference] = {}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known.clear()

    def of_column(self, key: ForeignKeyInfo, value: object, class_name: str) -> KeyReference | None:
        """The reference in a foreign key of the class ``class_name``; None when the target's table is not the bus's.

        Raises WrongObject for a value that is no external id, and KeyLookupFailed.
        """
        if key.points_at_page:
            return self._of_page(_external_id(value, key.attribute, ""), class_name)
        target = self._registry.classes.of_table(key.target_table)
        if target is None:
            return None
        return self._of_object(_external_id(value, key.attribute, target.object_type), target, nesting=0)

    def parent_page(self, value: object, class_name: str) -> KeyReference:
        """The reference in ``node_parent_id`` of a page of the class ``class_name``. Raises as ``of_column`` does."""
        return self._of_page(_external_id(value, "node_parent_id", ""), class_name)

    def _of_page(self, external_id: ExternalId, class_name: str) -> KeyReference:
        place = (f"page in {class_name}", str(external_id))
        known = self._known.get(place)
        if known is None:
            method = self._connector.get_internal_document_params
            params = self._ask(method, DocumentParams, external_id, class_name)
            known = KeyReference(external_id=str(external_id), target=None, held_by=class_name, params=params)
            self._known[known.cache_key] = known
        return known

    def _of_object(self, external_id: ExternalId, target: ObjectClass, *, nesting: int) -> KeyReference:
        known = self._known.get((target.object_type, str(external_id)))
        if known is None:
            known = self._ask_for_object(external_id, target, nesting=nesting)
            self._known[known.cache_key] = known
        return known

    def _ask_for_object(self, external_id: ExternalId, target: ObjectClass, *, nesting: int) -> KeyReference:
        if nesting > _MAX_NESTING:
            raise KeyLookupFailed(f"the parents of {target.object_type} keys go round in a circle")
        method = self._connector.get_internal_object_params
        params = self._ask(method, ObjectParams, external_id, target.object_type)
        if params is None:
            return KeyReference(external_id=str(external_id), target=target)
        return KeyReference(
            external_id=str(external_id),
            target=target,
            params=params,
            parent=self._narrowing(target, target.info.parent, params.parent_id, nesting),
            group=self._narrowing(target, target.info.group, params.group_id, nesting),
        )

    def _narrowing(
        self, target: ObjectClass, attribute: str | None, external_id: ExternalId | None, nesting: int
    ) -> KeyReference | None:
        """The key of the parent or group that narrows the search; None when the class has no such column."""
        key = next((key for key in target.foreign_keys if key.attribute == attribute), None)
        scope = self._registry.classes.of_table(key.target_table) if key else None
        if external_id is None or scope is None:
            return None
        return self._of_object(external_id, scope, nesting=nesting + 1)

    def _ask(
        self, method: Callable[[ExternalId, str], object], kind: type[_Params], external_id: ExternalId, name: str
    ) -> _Params | None:
        """Call the connector, which may do anything."""
        try:
            params = method(external_id, name)
        except BaseException as error:
            retryable = isinstance(error, RetryableError)
            raise KeyLookupFailed.by(error, method.__name__, retryable=retryable) from error
        if params is None or isinstance(params, kind):
            return params
        raise KeyLookupFailed(f"{method.__name__} returned {type(params).__name__}, not {kind.__name__} or None")


def _external_id(value: object, attribute: str, object_type: str) -> ExternalId:
    """The external id in a foreign key."""
    if isinstance(value, Reference):
        if object_type and value.object_type not in ("", object_type):
            text = f"{attribute} points at {object_type}, but holds a reference to {value.object_type}"
            raise WrongObject(text, field_paths=[attribute])
        return value.external_id
    if isinstance(value, str) and "\0" not in value and _is_unicode(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise WrongObject(
        f"{attribute} must hold an external id, a text or an integer, not {type(value).__name__}",
        field_paths=[attribute],
    )


def _is_unicode(text: str) -> bool:
    """JSON can hold half a surrogate pair, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
