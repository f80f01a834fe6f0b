"""The target in the bus's own database: objects and pages are written in the transaction that settles their tasks."""

import logging
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, StatementError

from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.prepared import PreparedTask, TranslationCache
from integrationbus.server.problems import TargetRefused, TaskProblem
from integrationbus.server.target.groups import cut_into_groups
from integrationbus.server.target.objects import delete_group, write_group
from integrationbus.server.target.pages import PageWriter
from integrationbus.server.target.row import TargetRow
from integrationbus.server.target.translate import Translator
from integrationbus.server.target.values import checked_values
from integrationbus.server.task import TaskEffect, TaskResult

__all__ = ["SqlTarget"]

_log = logging.getLogger(__name__)


class SqlTarget:
    """For the contract see ``Target``. ``handle`` is a SQLAlchemy connection inside a transaction."""

    def __init__(self, catalog: ClassCatalog) -> None:
        self._catalog = catalog

    def apply(
        self, handle: object, connector_id: int, batch: Sequence[PreparedTask], cache: TranslationCache
    ) -> Sequence[TaskResult]:
        """See ``Target.apply``."""
        assert isinstance(handle, Connection)
        translator = Translator(handle, connector_id, self._catalog, cache)
        results: list[TaskResult] = []
        for group in cut_into_groups(batch):
            try:
                applied = self._apply_group(handle, connector_id, group, translator)
            except (TaskProblem, OperationalError, InterfaceError, InternalError):
                raise
            except DBAPIError as error:
                raise TargetRefused(f"the database refused the values: {error.orig}") from error
            except StatementError as error:
                # Raised by the column type of a user's own class before the statement was sent.
                raise TargetRefused(f"a value does not fit its column: {error.orig}") from error
            except Exception as error:
                # A value that nobody thought of must not be taken for a crash of the process.
                _log.exception("task %s: its values cannot be written", group[0].task.id)
                raise TargetRefused(f"the values cannot be written: {type(error).__name__}: {error}") from error
            if any(result.effect is not TaskEffect.CREATED for result in applied):
                # A name may mean another object now, and an id may be used again.
                cache.clear()
            results += applied
        return results

    def _apply_group(
        self, connection: Connection, connector_id: int, group: Sequence[PreparedTask], translator: Translator
    ) -> list[TaskResult]:
        rows = self._rows(group, translator)
        object_class, is_deletion = group[0].object_class, group[0].task.task_type.is_deletion
        if object_class.is_page:
            pages = PageWriter(connection, connector_id, self._catalog, translator)
            return [pages.delete(row) if is_deletion else pages.write(row) for row in rows]
        if is_deletion:
            return delete_group(connection, connector_id, object_class, rows, self._catalog)
        return write_group(connection, connector_id, object_class, rows)

    def _rows(self, group: Sequence[PreparedTask], translator: Translator) -> list[TargetRow]:
        rows = []
        for item, (translated, notes) in zip(group, translator.translate(group), strict=True):
            values = {**item.values, **translated, **_site_of(item, translator)}
            rows.append(TargetRow(prepared=item, values=checked_values(item.object_class, values), notes=tuple(notes)))
        return rows


def _site_of(item: PreparedTask, translator: Translator) -> dict[str, object]:
    """The site column of an object that belongs to a site, from the task's site unless the connector set it."""
    attribute = item.object_class.info.site
    if attribute is None or not item.task.site or attribute in item.values:
        return {}
    if any(key.attribute == attribute for key, _ in item.keys):
        return {}
    return {attribute: translator.site_id(item.task.site)}
