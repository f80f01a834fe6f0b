"""Where foreign keys lead, as ``keys`` and ``page_keys`` say."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import cel

from integrationbus.connectors.declarative.cel_values import for_expressions
from integrationbus.connectors.declarative.expressions import UNSET, Expression, ExpressionFailed, surroundings
from integrationbus.connectors.keys import DocumentParams, ExternalId, ObjectParams

__all__ = ["Lookup", "document_params", "object_params"]

Lookup = Mapping[str, Expression]
"""Expressions by what they give: code_name, site, parent_id and group_id, or node_guid, culture and site."""


@dataclass(frozen=True, slots=True)
class _Answers:
    lookup: Lookup
    context: cel.Context

    def get(self, name: str) -> object:
        """A value; None when there is no expression, or it gives none."""
        expression = self.lookup.get(name)
        value = None if expression is None else expression.evaluate(self.context)
        return None if value is UNSET else value

    def text(self, name: str) -> str | None:
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise ExpressionFailed(f"{name} must be a text, not {value!r}")

    def external_id(self, name: str) -> ExternalId | None:
        value = self.get(name)
        if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
            return value
        raise ExpressionFailed(f"{name} must be an external id, not {value!r}")


def object_params(lookup: Lookup, external_id: ExternalId, object_type: str) -> ObjectParams | None:
    """Where to find an object; None, so that the key map answers, when there is no code name."""
    answers = _Answers(lookup, _context(external_id, object_type=object_type))
    code_name = answers.text("code_name")
    if code_name is None:
        return None
    return ObjectParams(
        code_name=code_name,
        site_name=answers.text("site"),
        parent_id=answers.external_id("parent_id"),
        group_id=answers.external_id("group_id"),
    )


def document_params(lookup: Lookup, external_id: ExternalId, class_name: str) -> DocumentParams | None:
    """Where to find a page; None, so that the key map answers, when any of the three has no value."""
    answers = _Answers(lookup, _context(external_id, class_name=class_name))
    guid, culture, site = (answers.text(name) for name in ("node_guid", "culture", "site"))
    if guid is None or culture is None or site is None:
        return None
    return DocumentParams(node_guid=UUID(guid), culture_code=culture, site_name=site)


def _context(external_id: ExternalId, **variables: str) -> cel.Context:
    return surroundings({"id": for_expressions(external_id), **variables})
