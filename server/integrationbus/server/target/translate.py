"""Foreign keys: from external ids to internal ones, a set at a time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from integrationbus.connectors.cms import SiteInfo
from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.connectors.models import Dependency, NodeInfo
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import KeyReference, PreparedTask, TranslationCache
from integrationbus.server.problems import KeyAmbiguous, KeyNotFound, SiteNotFound
from integrationbus.server.target import key_map

__all__ = ["Translator"]


_NOBODY = -1
"""An internal id that no object has: what is to be deleted, and belongs to something missing, is missing too."""


class Translator:
    """Translates the keys of one connector within one transaction."""

    def __init__(
        self, connection: Connection, connector_id: int, catalog: ClassCatalog, cache: TranslationCache
    ) -> None:
        self._connection = connection
        self._connector_id = connector_id
        self._catalog = catalog
        self._cache = cache
        self._searches = {
            "key_map": self._by_key_map,
            "code_name": self._by_code_name,
            "page": self._by_page,
        }

    def translate(self, batch: Sequence[PreparedTask]) -> list[tuple[dict[str, object], list[str]]]:
        """The translated columns of each task, and notes about keys that were given up.

        Raises KeyNotFound or KeyAmbiguous.
        """
        self._resolve([reference for item in batch for _, reference in item.keys])
        return [self._columns_of(item) for item in batch]

    def node_id(self, reference: KeyReference) -> int | None:
        """The node that a page key points at, or None."""
        self._resolve([reference])
        return self._cache.get(reference.cache_key)

    def site_id(self, site_name: str) -> int:
        """The id of a site by its code name. Raises SiteNotFound."""
        # Keys of callers hold no NUL, so this cannot be one of them.
        key = (SiteInfo.type_info.object_type, f"\0{site_name}")
        if key not in self._cache:
            found = self._connection.execute(
                select(SiteInfo.site_id).where(SiteInfo.site_name == site_name)
            ).scalar_one_or_none()
            if found is None:
                raise SiteNotFound(f"there is no site {site_name!r}: create it first", field_paths=["site"])
            self._cache[key] = found
        return self._cache[key]

    def _columns_of(self, item: PreparedTask) -> tuple[dict[str, object], list[str]]:
        columns: dict[str, object] = {}
        notes: list[str] = []
        for key, reference in item.keys:
            internal_id = self._cache.get(reference.cache_key)
            if internal_id is None:
                internal_id, note = self._instead(item, key, reference)
                notes.append(note)
            columns[key.attribute] = internal_id
        return columns, notes

    def _instead(self, item: PreparedTask, key: ForeignKeyInfo, reference: KeyReference) -> tuple[int | None, str]:
        """What stands in for a target that is missing, by the kind of the dependency."""
        column = f"{item.object_class.object_type}.{key.attribute}"
        if item.task.task_type.is_deletion and key.dependency is not Dependency.NOT_REQUIRED:
            return _NOBODY, f"{column} points at {reference.describe()}, which does not exist"
        if key.dependency is Dependency.NOT_REQUIRED:
            return None, f"{column} was left empty: there is no {reference.describe()}"
        if key.dependency is Dependency.REQUIRED_HAS_DEFAULT and reference.target:
            default = ObjectParams(code_name=key.default_code_name or "")
            standing_in = KeyReference(external_id=f"\0{default.code_name}", target=reference.target, params=default)
            self._resolve([standing_in])
            internal_id = self._cache.get(standing_in.cache_key)
            if internal_id is not None:
                note = f"{column} was set to the default {default.code_name!r}: there is no {reference.describe()}"
                return internal_id, note
        raise KeyNotFound(
            f"{column} points at {reference.describe()}, which does not exist", field_paths=[key.attribute]
        )

    def _resolve(self, references: Iterable[KeyReference]) -> None:
        """Put the translation of each reference into the cache, if it has one."""
        by_search: dict[tuple[str, str], dict[str, KeyReference]] = defaultdict(dict)
        for reference in references:
            if reference.cache_key not in self._cache:
                object_type = reference.target.object_type if reference.target else ""
                by_search[object_type, _search_of(reference)][reference.external_id] = reference
        for (_, search), wanted in by_search.items():
            for external_id, found in self._searches[search](list(wanted.values())).items():
                if len(found) > 1:
                    raise KeyAmbiguous(f"{wanted[external_id].describe()} fits {len(found)} objects: {sorted(found)}")
                self._cache[wanted[external_id].cache_key] = found[0]

    def _by_key_map(self, references: Sequence[KeyReference]) -> dict[str, list[int]]:
        ids = [reference.external_id for reference in references]
        target = references[0].target
        if target is None:
            return key_map.look_up_pages(self._connection, self._connector_id, self._catalog.page_types, ids)
        found = key_map.look_up(self._connection, self._connector_id, target.object_type, ids)
        return {external_id: [object_id] for external_id, object_id in found.items()}

    def _by_code_name(self, references: Sequence[KeyReference]) -> dict[str, list[int]]:
        """One look-up for all of a class; those with a narrower search are compared row by row."""
        target = references[0].target
        assert target, "pages have no code names"
        if target.info.code_name is None:
            raise KeyNotFound(f"{target.object_type} has no code name to look for {references[0].external_id!r} by")
        code_name = target.columns[target.info.code_name]
        scope = {role: target.columns[name] for role, name in _scope_attributes(target)}
        codes = {reference.external_id: _object_params(reference).code_name for reference in references}
        statement = select(
            target.id_column.label("found"),
            code_name.label("code"),
            *(column.label(role) for role, column in scope.items()),
        ).where(code_name.in_(set(codes.values())))
        rows = self._connection.execute(statement).all()
        found: dict[str, list[int]] = {}
        for reference in references:
            wanted = {role: value for role, value in self._scope_of(reference).items() if role in scope}
            hits = [
                row.found
                for row in rows
                if row.code == codes[reference.external_id]
                and all(getattr(row, role) == value for role, value in wanted.items())
            ]
            if hits:
                found[reference.external_id] = hits
        return found

    def _scope_of(self, reference: KeyReference) -> dict[str, int]:
        params = _object_params(reference)
        scope = {} if params.site_name is None else {"site": self.site_id(params.site_name)}
        for role, narrower in (("parent", reference.parent), ("group", reference.group)):
            if narrower is None:
                continue
            self._resolve([narrower])
            internal_id = self._cache.get(narrower.cache_key)
            if internal_id is None:
                raise KeyNotFound(f"the {role} of {reference.describe()}, {narrower.describe()}, does not exist")
            scope[role] = internal_id
        return scope

    def _by_page(self, references: Sequence[KeyReference]) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for reference in references:
            params = reference.params
            assert isinstance(params, DocumentParams)
            node = self._connection.execute(
                select(NodeInfo.node_id, NodeInfo.node_class).where(
                    NodeInfo.node_guid == params.node_guid, NodeInfo.node_site_id == self.site_id(params.site_name)
                )
            ).one_or_none()
            if node and self._has_culture(node.node_class, node.node_id, params.culture_code):
                found[reference.external_id] = [node.node_id]
        return found

    def _has_culture(self, page_type: str, node_id: int, culture: str) -> bool:
        page = self._catalog.get(page_type)
        statement = select(page.id_column).where(
            page.columns["document_node_id"] == node_id, page.columns["document_culture"] == culture
        )
        return self._connection.execute(statement).first() is not None


def _search_of(reference: KeyReference) -> str:
    if reference.params is None:
        return "key_map"
    return "page" if isinstance(reference.params, DocumentParams) else "code_name"


def _object_params(reference: KeyReference) -> ObjectParams:
    assert isinstance(reference.params, ObjectParams)
    return reference.params


def _scope_attributes(target: ObjectClass) -> list[tuple[str, str]]:
    roles = (("site", target.info.site), ("parent", target.info.parent), ("group", target.info.group))
    return [(role, attribute) for role, attribute in roles if attribute is not None]
