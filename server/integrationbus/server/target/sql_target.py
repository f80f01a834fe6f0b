"""The target in a SQL database: objects and pages are written in a transaction that is begun and ended elsewhere."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, StatementError

from integrationbus.server.class_catalog import ClassCatalog
from integrationbus.server.failpoints import reach
from integrationbus.server.object_names import ObjectName
from integrationbus.server.prepared import Application, Outcome, PreparedTask
from integrationbus.server.preview import KeyFinding, Rehearsal
from integrationbus.server.problems import MissingTarget, TargetRefused, TaskProblem
from integrationbus.server.target.group_writer import GroupWriter
from integrationbus.server.target.groups import cut_into_groups
from integrationbus.server.target.reader import fields_of
from integrationbus.server.target.session import TargetSession
from integrationbus.server.target.stored_names import stored_names
from integrationbus.server.target.translate import Translator
from integrationbus.server.task import TaskEffect

__all__ = ["SqlTarget"]

_log = logging.getLogger(__name__)


class SqlTarget:
    """For the contract see ``Target``. The handle is a SQLAlchemy connection inside a transaction."""

    def __init__(self, catalog: ClassCatalog) -> None:
        self._catalog = catalog

    def apply(self, batch: Sequence[PreparedTask], application: Application) -> Sequence[Outcome]:
        """See ``Target.apply``."""
        assert isinstance(application.handle, Connection)
        cache = application.cache
        place = (application.handle, application.connector_id, self._catalog)
        writer = GroupWriter(TargetSession(*place, Translator(*place, cache)), application)
        outcomes: list[Outcome] = []
        reach("apply.before_write")
        for group in cut_into_groups(batch):
            with _as_problems(group[0].task.id):
                applied = writer.write(group)
            if any(isinstance(item, MissingTarget) or item.effect is not TaskEffect.CREATED for item in applied):
                # A name may mean another object now, and an id may be used again.
                cache.clear()
            outcomes += applied
        reach("apply.after_write")
        return outcomes

    def names_of_written(self, application: Application) -> Collection[ObjectName]:
        """See ``Target.names_of_written``."""
        assert isinstance(application.handle, Connection)
        return set(stored_names(application.handle, self._catalog, application.written))

    def find_keys(self, prepared: PreparedTask, application: Application) -> Sequence[KeyFinding]:
        """See ``Target.find_keys``."""
        assert isinstance(application.handle, Connection)
        place = (application.handle, application.connector_id, self._catalog)
        [lookup] = Translator(*place, application.cache).look_up([prepared.main])
        return [
            KeyFinding(
                attribute=key.attribute,
                object_type=reference.object_type,
                external_id=reference.external_id,
                internal_id=lookup.found.get(key.attribute),
            )
            for key, reference in prepared.main.keys
        ]

    def rehearse(self, prepared: PreparedTask, application: Application) -> Rehearsal:
        """See ``Target.rehearse``."""
        connection = application.handle
        assert isinstance(connection, Connection)
        attempt = connection.begin_nested()
        try:
            [outcome] = self.apply([prepared], application)
            if isinstance(outcome, MissingTarget):
                raise outcome
            after = fields_of(connection, prepared.object_class, outcome.object_id)
        finally:
            attempt.rollback()
        before = fields_of(connection, prepared.object_class, outcome.object_id)
        return Rehearsal(result=outcome, before=before, after=after)


@contextmanager
def _as_problems(task_id: str) -> Iterator[None]:
    """Tell values that the database does not take from a database that cannot be used."""
    try:
        yield
    except (TaskProblem, OperationalError, InterfaceError, InternalError):
        raise
    except DBAPIError as error:
        raise TargetRefused(f"the database refused the values: {error.orig}") from error
    except StatementError as error:
        # Raised by the column type of a user's own class before the statement was sent.
        raise TargetRefused(f"a value does not fit its column: {error.orig}") from error
    except Exception as error:
        # A value that nobody thought of must not be taken for a crash of the process.
        _log.exception("task %s: its values cannot be written", task_id)
        raise TargetRefused(f"the values cannot be written: {type(error).__name__}: {error}") from error
