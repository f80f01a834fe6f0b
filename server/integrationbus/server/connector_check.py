"""Looking for what would keep a connector from working. Nothing is changed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from integrationbus.connectors.connector import IntegrationConnector
from integrationbus.connectors.object_class import ForeignKeyInfo, ObjectClass, describe
from integrationbus.connectors.policies import Accepts, Cron, Every, Trigger
from integrationbus.server.check import CheckOutcome, ConnectorCheck
from integrationbus.server.connector import ConnectorRecord
from integrationbus.server.errors import ConnectorNotFound
from integrationbus.server.processing.schedule import clock_trigger
from integrationbus.server.registry import ConnectorRegistry, RegisteredConnector
from integrationbus.server.store import Store
from integrationbus.server.target.inspection import TableInspector

__all__ = ["ConnectorChecker"]

_NOT_STARTED_WITH = "this server was not started with it: add it to the configuration, and start the server again"
_SEVERAL = 2

_ClassOf = Callable[[str], ObjectClass | None]
"""The class of a table, or None when it is not one of the bus's."""


class ConnectorChecker:
    """Checks connectors, whatever their state. ``next_due`` is when the clock starts a connector's next run."""

    def __init__(
        self,
        *,
        store: Store,
        registry: ConnectorRegistry,
        inspector: TableInspector,
        next_due: Callable[[str], datetime | None],
    ) -> None:
        self._store = store
        self._registry = registry
        self._inspector = inspector
        self._next_due = next_due

    def check(self, name: str) -> Sequence[ConnectorCheck]:
        """Every check, in a fixed order. Blocks. Raises ConnectorNotFound or StoreUnavailable."""
        record = self._store.connector(name)
        try:
            registered = self._registry.get(name)
        except ConnectorNotFound:
            # Another process put it on record since, through the same database.
            return [_failed(f"class {record.class_path or name}", _NOT_STARTED_WITH), *_holds(record)]
        checks = [_class(registered), *_holds(record)]
        connector = registered.connector or registered.rejected
        if connector is not None:
            checks += [*self._schedule(name, connector), *_messages(connector.accepts), *self._tables(connector)]
        return checks

    def _schedule(self, name: str, connector: IntegrationConnector) -> Iterator[ConnectorCheck]:
        trigger: Trigger = connector.trigger
        if not isinstance(trigger, Every | Cron):
            return
        subject = f"schedule {trigger}"
        try:
            clock_trigger(trigger)
        except ValueError as error:
            yield _failed(subject, f"{error}: correct the trigger of the class, and start the server again")
            return
        due = self._next_due(name)
        if due is not None:
            yield ConnectorCheck(subject=f"{subject}, next due {due.isoformat()}")
        else:
            yield _warning(subject, "the clock starts no run: only a notify does")

    def _tables(self, connector: IntegrationConnector) -> Iterator[ConnectorCheck]:
        classes = sorted(map(describe, connector.object_classes), key=lambda each: each.object_type)
        own = {each.table.name: each for each in classes}
        missing: dict[str, Sequence[str]] = {}
        for each in classes:
            missing |= self._inspector.missing_columns(each)
        yield from (self._table(table, columns) for table, columns in missing.items())

        def class_of(table: str) -> ObjectClass | None:
            return own.get(table) or self._registry.classes.of_table(table)

        for each in classes:
            yield from (self._foreign_key(each, key, class_of) for key in each.foreign_keys)
        yield from (self._default(target, code_name) for target, code_name in _defaults(classes, class_of))

    def _table(self, name: str, missing: Sequence[str]) -> ConnectorCheck:
        subject = f"table {name}"
        if not missing:
            return ConnectorCheck(subject=subject)
        if not self._inspector.has_table(name):
            return _failed(subject, "there is no such table: a server that starts creates it")
        return _failed(subject, f"has no column {', '.join(missing)}: add it, or migrate the table")

    def _foreign_key(self, object_class: ObjectClass, key: ForeignKeyInfo, class_of: _ClassOf) -> ConnectorCheck:
        subject = f"foreign key {object_class.object_type}.{key.attribute}"
        if not self._inspector.has_table(key.target_table):
            return _failed(subject, f"points at table {key.target_table}, which does not exist: create it")
        if not key.points_at_page and class_of(key.target_table) is None:
            text = f"table {key.target_table} is of no class of the bus: values are stored as given, not translated"
            return _warning(subject, f"{text}; add its class to a connector, or send ids of that table")
        return ConnectorCheck(subject=subject)

    def _default(self, target: ObjectClass, code_name: str) -> ConnectorCheck:
        subject = f"default object {target.object_type} {code_name!r}"
        if target.info.code_name is None:
            return _failed(subject, "its class has no code name to find it by: give its type_info a code_name")
        if any(self._inspector.missing_columns(target).values()):
            return _failed(subject, f"cannot be looked for: table {target.table.name} does not fit its class")
        found = self._inspector.count_named(target, code_name, _SEVERAL)
        if found == 0:
            return _warning(subject, "does not exist: create it, or tasks that need it fail with KEY_NOT_FOUND")
        if found == _SEVERAL:
            return _warning(subject, "fits several objects: keep one, or tasks that need it fail with KEY_AMBIGUOUS")
        return ConnectorCheck(subject=subject)


def _class(registered: RegisteredConnector) -> ConnectorCheck:
    subject = f"class {registered.class_path}"
    if registered.connector is None:
        return _failed(subject, f"{registered.problem}; put it right, and start the server again")
    return ConnectorCheck(subject=subject)


def _holds(record: ConnectorRecord) -> Iterator[ConnectorCheck]:
    """Whether anything holds the connector, each by itself: several may at once."""
    go_on = f"go on with: integrationbus connectors resume {record.name}"
    off = f"switched off{_by(record.disabled_by, record.disable_reason)}"
    yield _unless(
        "switch", "" if record.enabled else f"{off}; go on with: integrationbus connectors enable {record.name}"
    )
    bus = "the bus, or its processing, is switched off; see: integrationbus switches"
    yield _unless("switches of the bus", "" if record.processing_on else bus)
    paused = f"paused{_by(record.paused_by, record.pause_reason)}; {go_on}"
    yield _unless("pause", paused if record.paused else "")
    halted = f"task {record.halted_by} failed and holds the line; {go_on} --head retry, skip or delete"
    yield _unless("halt", halted if record.halted_by else "")


def _by(actor: str, reason: str) -> str:
    return (f" by {actor}" if actor else "") + (f" ({reason})" if reason else "")


def _messages(accepts: Accepts) -> Iterator[ConnectorCheck]:
    """Whether each message that a connector accepts is decoded into its own class."""
    for cls in accepts.messages:
        name = cls.DESCRIPTOR.full_name
        subject = f"message {name}"
        if accepts.message_class(name) is cls:
            yield ConnectorCheck(subject=subject)
        else:
            yield _failed(subject, "another class of this name comes first: keep one of them in accepts")


def _defaults(classes: Sequence[ObjectClass], class_of: _ClassOf) -> Iterator[tuple[ObjectClass, str]]:
    """The objects that stand in for missing targets, each once."""
    seen: set[tuple[str, str]] = set()
    for key in (key for each in classes for key in each.foreign_keys):
        target = class_of(key.target_table)
        if key.default_code_name is None or target is None:
            continue
        if (target.object_type, key.default_code_name) not in seen:
            seen.add((target.object_type, key.default_code_name))
            yield target, key.default_code_name


def _unless(subject: str, message: str) -> ConnectorCheck:
    return _warning(subject, message) if message else ConnectorCheck(subject=subject)


def _warning(subject: str, message: str) -> ConnectorCheck:
    return ConnectorCheck(subject=subject, outcome=CheckOutcome.WARNING, message=message)


def _failed(subject: str, message: str) -> ConnectorCheck:
    return ConnectorCheck(subject=subject, outcome=CheckOutcome.FAILED, message=message)
