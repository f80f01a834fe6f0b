"""The site of an object that belongs to one site, from the site of its task."""

from collections.abc import Mapping

from integrationbus.server.prepared import PreparedObject
from integrationbus.server.target.translate import Translator

__all__ = ["SiteColumn"]


class SiteColumn:
    """Knows the site of a task by its code name; empty: the task has none."""

    def __init__(self, translator: Translator, site_name: str) -> None:
        self._translator = translator
        self._site_name = site_name

    def of(self, item: PreparedObject, values: Mapping[str, object]) -> dict[str, object]:
        """The value of the site column by attribute, unless the class has none or the connector set it.

        Raises SiteNotFound.
        """
        attribute = item.object_class.info.site
        if attribute is None or not self._site_name or attribute in values:
            return {}
        return {attribute: self._translator.site_id(self._site_name)}
