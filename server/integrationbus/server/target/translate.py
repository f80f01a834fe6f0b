"""Foreign keys: from external ids to internal ones, a set at a time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from integrationbus.connectors.cms import SiteInfo
from integrationbus.connectors.keys import ObjectParams
from integrationbus.connectors.models import Dependency
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import KeyReference, PreparedObject, TranslationCache
from integrationbus.server.problems import KeyAmbiguous, KeyNotFound, MissingKey, SiteNotFound
from integrationbus.server.target.key_search import KeySearch
from integrationbus.server.task import AwaitedKey
from integrationbus.server.value import value

__all__ = ["KeyLookup", "Translation", "Translator"]

_NOBODY = -1
"""An internal id that no object has: what is to be deleted, and belongs to something missing, is missing too."""


@value
class KeyLookup:
    """The keys of one object: internal ids by attribute for those that were found, and those that were not."""

    found: dict[str, int]
    missing: Sequence[tuple[ForeignKeyInfo, KeyReference]]


_NO_KEYS = KeyLookup(found={}, missing=())


@value
class Translation:
    """The columns of one object's keys, by attribute, and notes about keys that were given up."""

    columns: Mapping[str, int | None]
    notes: Sequence[str] = ()


class Translator:
    """Translates the keys of one connector within one transaction."""

    def __init__(
        self, connection: Connection, connector_id: int, catalog: ClassCatalog, cache: TranslationCache
    ) -> None:
        self._connector_id = connector_id
        self._cache = cache
        self._sites = catalog.get(SiteInfo.type_info.object_type)
        self._search = KeySearch(connection, connector_id, catalog, self)
        self._missing_scope: dict[tuple[str, str], tuple[str, KeyReference]] = {}

    def look_up(self, objects: Sequence[PreparedObject]) -> list[KeyLookup]:
        """Which keys of each object lead somewhere. Raises KeyAmbiguous."""
        self.resolve([reference for item in objects for _, reference in item.keys])
        return [self._lookup_of(item) for item in objects]

    def translate(self, objects: Sequence[PreparedObject], *, only_to_find: bool) -> list[Translation | KeyNotFound]:
        """The columns of each object, or what is missing for it; what can stand in for a missing target does.

        ``only_to_find``: the objects are not to be written, so that a missing target means that they do not exist.
        Raises KeyAmbiguous.
        """
        lookups = self.look_up(objects)
        return [self._translation(*pair, only_to_find=only_to_find) for pair in zip(objects, lookups, strict=True)]

    def stand_in(self, item: PreparedObject, key: ForeignKeyInfo, reference: KeyReference) -> tuple[int | None, str]:
        """What stands in for a missing target by the kind of the dependency, and a note. Raises KeyNotFound."""
        column = f"{item.object_class.object_type}.{key.attribute}"
        if key.dependency is Dependency.NOT_REQUIRED:
            return None, f"{column} was left empty: there is no {reference.describe()}"
        if key.dependency is Dependency.REQUIRED_HAS_DEFAULT and reference.target:
            internal_id = self.internal_id(_default(reference.target, key))
            if internal_id is not None:
                default = key.default_code_name
                note = f"{column} was set to the default {default!r}: there is no {reference.describe()}"
                return internal_id, note
        raise self.not_found(item, [(key, reference)])

    def not_found(self, item: PreparedObject, missing: Iterable[tuple[ForeignKeyInfo, KeyReference]]) -> KeyNotFound:
        """The problem of keys that lead nowhere."""
        texts, keys, attributes = [], [], []
        for key, reference in missing:
            column = f"{item.object_class.object_type}.{key.attribute}"
            role, absent = self._absent(reference)
            why = (
                f"which does not exist: its {role}, {absent.describe()}, is missing" if role else "which does not exist"
            )
            texts.append(f"{column} points at {reference.describe()}, {why}")
            keys.append(self.missing_key(reference, key.attribute))
            if key.dependency is Dependency.REQUIRED_HAS_DEFAULT and reference.target:
                keys.append(self.missing_key(_default(reference.target, key), key.attribute))
            attributes.append(key.attribute)
        return KeyNotFound("; ".join(texts), keys, field_paths=attributes)

    def missing_key(self, reference: KeyReference, attribute: str) -> MissingKey:
        """A key that leads nowhere, as the task names it and as it will be recognised.

        When what narrows its search is missing, that is what has to appear first.
        """
        _, reference = self._absent(reference)
        awaited = AwaitedKey(object_type=reference.object_type, external_id=reference.shown_id, attribute=attribute)
        return MissingKey(awaited=awaited, name=reference.name(self._connector_id))

    def internal_id(self, reference: KeyReference) -> int | None:
        """The internal id behind a single key, or None. Raises KeyAmbiguous."""
        self.resolve([reference])
        return self._cache.get(reference.cache_key)

    def site_id(self, site_name: str) -> int:
        """The id of a site by its code name. Raises SiteNotFound."""
        reference = self.site_reference(site_name)
        found = self.internal_id(reference)
        if found is None:
            key = self.missing_key(reference, "site")
            raise SiteNotFound(f"there is no site {site_name!r}: create it first", [key], field_paths=["site"])
        return found

    def site_reference(self, site_name: str) -> KeyReference:
        """A site by its code name. Keys of callers hold no NUL, so this is none of them."""
        params = ObjectParams(code_name=site_name)
        return KeyReference(external_id=f"\0{site_name}", target=self._sites, params=params)

    def scope_missing(self, reference: KeyReference, role: str, absent: KeyReference) -> None:
        """Note that a key leads nowhere because what narrows its search does not exist."""
        self._missing_scope[reference.cache_key] = (role, absent)

    def resolve(self, references: Iterable[KeyReference]) -> None:
        """Put the translation of each reference into the cache, if it has one. Raises KeyAmbiguous."""
        by_type: dict[str, dict[tuple[str, str], KeyReference]] = defaultdict(dict)
        for reference in references:
            place = reference.cache_key
            if place not in self._cache:
                self._missing_scope.pop(place, None)
                by_type[reference.object_type][place] = reference
        for wanted in by_type.values():
            for key, found in self._search.find(list(wanted.values())).items():
                if len(found) > 1:
                    raise KeyAmbiguous(f"{wanted[key].describe()} fits {len(found)} objects: {sorted(found)}")
                self._cache[key] = found[0]

    def _lookup_of(self, item: PreparedObject) -> KeyLookup:
        if not item.keys:
            return _NO_KEYS
        found: dict[str, int] = {}
        missing: list[tuple[ForeignKeyInfo, KeyReference]] = []
        for key, reference in item.keys:
            internal_id = self._cache.get(reference.cache_key)
            if internal_id is None:
                missing.append((key, reference))
            else:
                found[key.attribute] = internal_id
        return KeyLookup(found=found, missing=missing)

    def _translation(self, item: PreparedObject, lookup: KeyLookup, *, only_to_find: bool) -> Translation | KeyNotFound:
        if not lookup.missing:
            return Translation(columns=lookup.found)
        columns: dict[str, int | None] = dict(lookup.found)
        notes: list[str] = []
        hopeless: list[tuple[ForeignKeyInfo, KeyReference]] = []
        for key, reference in lookup.missing:
            if only_to_find and key.dependency is not Dependency.NOT_REQUIRED:
                columns[key.attribute] = _NOBODY
                column = f"{item.object_class.object_type}.{key.attribute}"
                notes.append(f"{column} points at {reference.describe()}, which does not exist")
                continue
            try:
                columns[key.attribute], note = self.stand_in(item, key, reference)
            except KeyNotFound:
                hopeless.append((key, reference))
            else:
                notes.append(note)
        return self.not_found(item, hopeless) if hopeless else Translation(columns=columns, notes=notes)

    def _absent(self, reference: KeyReference) -> tuple[str, KeyReference]:
        """What is missing behind a key that leads nowhere: itself, or with its role what narrows the search."""
        role, absent = "", reference
        while absent.cache_key in self._missing_scope:
            role, absent = self._missing_scope[absent.cache_key]
        return role, absent


def _default(target: ObjectClass, key: ForeignKeyInfo) -> KeyReference:
    """The object that stands in for missing ones. Keys of callers hold no NUL, so this is none of them."""
    code_name = key.default_code_name or ""
    return KeyReference(external_id=f"\0{code_name}", target=target, params=ObjectParams(code_name=code_name))
