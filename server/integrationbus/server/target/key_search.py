"""Searching for the objects that foreign keys point at: by key map, by code name, or by the place of a page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, select

from integrationbus.connectors.keys import DocumentParams, ObjectParams
from integrationbus.connectors.models import NodeInfo
from integrationbus.connectors.object_class import ObjectClass
from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import KeyReference
from integrationbus.server.problems import KeyLookupFailed
from integrationbus.server.target import key_map

__all__ = ["KeySearch"]

_Found = dict[tuple[str, str], list[int]]
"""Internal ids by ``KeyReference.cache_key``; more than one when the key is ambiguous."""


class _Scopes(Protocol):
    """Who translates the keys that narrow a search."""

    def internal_id(self, reference: KeyReference) -> int | None: ...

    def site_reference(self, site_name: str) -> KeyReference: ...

    def scope_missing(self, reference: KeyReference, role: str, absent: KeyReference) -> None: ...


class KeySearch:
    """Finds the targets of keys that the connector ``connector_id`` gave."""

    def __init__(self, connection: Connection, connector_id: int, catalog: ClassCatalog, scopes: _Scopes) -> None:
        self._connection = connection
        self._connector_id = connector_id
        self._catalog = catalog
        self._scopes = scopes

    def find(self, references: Sequence[KeyReference]) -> _Found:
        """The targets of references that point at one type."""
        by_params: dict[type, list[KeyReference]] = defaultdict(list)
        for reference in references:
            by_params[type(reference.params)].append(reference)
        found: _Found = {}
        for kind, search in (
            (type(None), self._by_key_map),
            (ObjectParams, self._by_code_name),
            (DocumentParams, self._by_page),
        ):
            if kind in by_params:
                found |= search(by_params[kind])
        return found

    def _by_key_map(self, references: Sequence[KeyReference]) -> _Found:
        ids = [reference.external_id for reference in references]
        target = references[0].target
        if target is None:
            by_id = key_map.look_up_pages(self._connection, self._connector_id, self._catalog.page_types, ids)
        else:
            mapped = key_map.look_up(self._connection, self._connector_id, target.object_type, ids)
            by_id = {external_id: [object_id] for external_id, object_id in mapped.items()}
        return {item.cache_key: by_id[item.external_id] for item in references if item.external_id in by_id}

    def _by_code_name(self, references: Sequence[KeyReference]) -> _Found:
        """One look-up for all of a class; those with a narrower search are compared row by row."""
        target = references[0].target
        assert target, "pages have no code names"
        if target.info.code_name is None:
            raise KeyLookupFailed(f"{target.object_type} has no code name to look for {references[0].external_id!r} by")
        code_name = target.columns[target.info.code_name]
        scope = {role: target.columns[name] for role, name in _scope_attributes(target)}
        codes = {reference.cache_key: _object_params(reference).code_name for reference in references}
        statement = select(
            target.id_column.label("found"),
            code_name.label("code"),
            *(column.label(role) for role, column in scope.items()),
        ).where(code_name.in_(set(codes.values())))
        rows = self._connection.execute(statement).all()
        found: _Found = {}
        for reference in references:
            wanted = self._scope_of(reference, scope)
            if wanted is None:
                continue
            hits = [
                row.found
                for row in rows
                if row.code == codes[reference.cache_key]
                and all(getattr(row, role) == value for role, value in wanted.items())
            ]
            if hits:
                found[reference.cache_key] = hits
        return found

    def _scope_of(self, reference: KeyReference, known: Mapping[str, object]) -> dict[str, int] | None:
        """What narrows a search, by role; None when something of it does not exist, and hence neither the target."""
        site_name = _object_params(reference).site_name
        narrowing = {
            "site": None if site_name is None else self._scopes.site_reference(site_name),
            "parent": reference.parent,
            "group": reference.group,
        }
        scope: dict[str, int] = {}
        for role, narrower in narrowing.items():
            if narrower is None or role not in known:
                continue
            internal_id = self._scopes.internal_id(narrower)
            if internal_id is None:
                self._scopes.scope_missing(reference, role, narrower)
                return None
            scope[role] = internal_id
        return scope

    def _by_page(self, references: Sequence[KeyReference]) -> _Found:
        found: _Found = {}
        for reference in references:
            params = reference.params
            assert isinstance(params, DocumentParams)
            site = self._scopes.site_reference(params.site_name)
            site_id = self._scopes.internal_id(site)
            if site_id is None:
                self._scopes.scope_missing(reference, "site", site)
                continue
            node = self._connection.execute(
                select(NodeInfo.node_id, NodeInfo.node_class).where(
                    NodeInfo.node_guid == params.node_guid, NodeInfo.node_site_id == site_id
                )
            ).one_or_none()
            if node and self._has_culture(node.node_class, node.node_id, params.culture_code):
                found[reference.cache_key] = [node.node_id]
        return found

    def _has_culture(self, page_type: str, node_id: int, culture: str) -> bool:
        page = self._catalog.get(page_type)
        statement = select(page.id_column).where(
            page.columns["document_node_id"] == node_id, page.columns["document_culture"] == culture
        )
        return self._connection.execute(statement).first() is not None


def _object_params(reference: KeyReference) -> ObjectParams:
    assert isinstance(reference.params, ObjectParams)
    return reference.params


def _scope_attributes(target: ObjectClass) -> list[tuple[str, str]]:
    roles = (("site", target.info.site), ("parent", target.info.parent), ("group", target.info.group))
    return [(role, attribute) for role, attribute in roles if attribute is not None]
