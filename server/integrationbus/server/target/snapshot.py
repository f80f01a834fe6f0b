"""Writing a snapshot: an object with its children and bindings, whose keys may point at one another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from integrationbus.connectors.models import Dependency
from integrationbus.connectors.object_class import ForeignKeyInfo
from integrationbus.connectors.task_types import SnapshotHandling
from integrationbus.server.object_names import ObjectName
from integrationbus.server.prepared import KeyReference, PreparedObject, PreparedPart
from integrationbus.server.problems import KeyAmbiguous, KeyNotFound
from integrationbus.server.target.deletion import Deletion
from integrationbus.server.target.objects import write_group
from integrationbus.server.target.row import TargetRow
from integrationbus.server.target.session import TargetSession
from integrationbus.server.target.site_column import SiteColumn
from integrationbus.server.target.values import checked_values
from integrationbus.server.task import TaskEffect, TaskResult, TouchedObject

__all__ = ["SnapshotWriter"]

_Key = tuple[ForeignKeyInfo, KeyReference]


@dataclass(slots=True)
class _Piece:
    """One object of a snapshot, and how far it has come."""

    prepared: PreparedObject
    owner: "_Piece | None" = None
    part: PreparedPart | None = None
    result: TaskResult | None = None
    postponed: list[_Key] = field(default_factory=list)
    """Keys that were left empty, because their target may come later in the snapshot."""
    problem: KeyAmbiguous | None = None

    @property
    def is_binding(self) -> bool:
        """Whether it only joins others."""
        return self.prepared.object_class.is_binding


class SnapshotWriter:
    """Writes one snapshot within one transaction.

    The main object comes first, then children on all levels, then bindings. What points at something that is not there
    yet is written as soon as it is; a column that may be empty is filled in afterwards.
    """

    def __init__(self, session: TargetSession, site: SiteColumn) -> None:
        self._connection = session.connection
        self._connector_id = session.connector_id
        self._catalog = session.catalog
        self._translator = session.translator
        self._site = site
        self._notes: list[str] = []
        self._touched: list[TouchedObject] = []
        self.appeared: set[ObjectName] = set()

    def write(self, main: PreparedObject) -> TaskResult:
        """Write all of it. Raises a TaskProblem, with something written perhaps."""
        pieces = sorted(_pieces_of(main), key=lambda piece: piece.is_binding)
        self._write_in_rounds(pieces)
        for piece in pieces:
            self._fill_in(piece)
        for piece in pieces:
            self._delete_absent(piece, pieces)
        result = pieces[0].result
        assert result, "the main object is written, or a problem was raised"
        return TaskResult(
            effect=result.effect,
            object_type=result.object_type,
            object_id=result.object_id,
            notes=tuple(self._notes),
            touched=tuple(self._touched),
        )

    def _write_in_rounds(self, pieces: Sequence[_Piece]) -> None:
        """Write what can be written, again and again, until nothing is left or nothing moves any more."""
        left = list(pieces)
        while left:
            moved = [piece for piece in left if self._try_to_write(piece)]
            if not moved and not any(self._write_with_stand_ins(piece) for piece in left):
                self._leave_out(left)
                return
            left = [piece for piece in left if piece.result is None]

    def _try_to_write(self, piece: _Piece) -> bool:
        if piece.owner is not None and piece.owner.result is None:
            return False
        [lookup] = self._translator.look_up([piece.prepared])
        if not all(_may_be_empty_for_now(piece.prepared, key) for key, _ in lookup.missing):
            return False
        piece.postponed = list(lookup.missing)
        try:
            self._write(piece, {**lookup.found, **{key.attribute: None for key, _ in lookup.missing}})
        except KeyAmbiguous as problem:
            # Its code name may be that of another one, which gives it away later in the snapshot.
            piece.problem = problem
            return False
        return True

    def _write_with_stand_ins(self, piece: _Piece) -> bool:
        """Write an object that lacks only targets that something stands in for; False if it lacks anything else."""
        if piece.owner is not None and piece.owner.result is None:
            return False
        [lookup] = self._translator.look_up([piece.prepared])
        columns: dict[str, int | None] = dict(lookup.found)
        notes: list[str] = []
        postponed: list[_Key] = []
        for key, reference in lookup.missing:
            if _may_be_empty_for_now(piece.prepared, key):
                columns[key.attribute] = None
                postponed.append((key, reference))
                continue
            try:
                columns[key.attribute], note = self._translator.stand_in(piece.prepared, key, reference)
            except KeyNotFound:
                return False
            notes.append(note)
        if not notes:
            return False
        piece.postponed = postponed
        self._write(piece, columns)
        self._notes.extend(notes)
        return True

    def _write(self, piece: _Piece, translated: dict[str, int | None]) -> None:
        prepared = piece.prepared
        values = {**prepared.values, **translated}
        if piece.part is not None and piece.owner is not None and piece.owner.result is not None:
            values[piece.part.owner_key.attribute] = piece.owner.result.object_id
        values |= self._site.of(prepared, values)
        row = TargetRow(values=checked_values(prepared.object_class, values), external_id=prepared.external_id)
        [piece.result] = write_group(self._connection, self._connector_id, prepared.object_class, [row])
        self.appeared.update(prepared.names(self._connector_id))
        if piece.owner is not None:
            self._touch(piece.result.object_type, piece.result.object_id, piece.result.effect)

    def _leave_out(self, stuck: Sequence[_Piece]) -> None:
        """Leave out bindings whose other end does not exist; what lacks anything else is a problem."""
        for piece in stuck:
            if piece.owner is not None and piece.owner.result is None:
                continue  # its owner says what is wrong
            if piece.problem is not None:
                raise piece.problem
            [lookup] = self._translator.look_up([piece.prepared])
            hopeless = [pair for pair in lookup.missing if not _may_be_empty_for_now(piece.prepared, pair[0])]
            required = [pair for pair in hopeless if pair[0].dependency is Dependency.REQUIRED]
            problem = self._translator.not_found(piece.prepared, required or hopeless)
            if required or not piece.is_binding or piece.owner is None:
                raise problem
            self._notes.append(f"a {piece.prepared.object_class.object_type} was left out: {problem}")

    def _fill_in(self, piece: _Piece) -> None:
        """Look again for the targets of keys that were left empty. Raises KeyNotFound."""
        if piece.result is None or not piece.postponed:
            return
        [lookup] = self._translator.look_up([piece.prepared])
        columns: dict[str, int | None] = dict(lookup.found)
        hopeless: list[_Key] = []
        for key, reference in lookup.missing:
            try:
                columns[key.attribute], note = self._translator.stand_in(piece.prepared, key, reference)
            except KeyNotFound:
                hopeless.append((key, reference))
            else:
                self._notes.append(note)
        if hopeless:
            raise self._translator.not_found(piece.prepared, hopeless)
        object_class = piece.prepared.object_class
        values = {object_class.columns[key.attribute].name: columns[key.attribute] for key, _ in piece.postponed}
        self._connection.execute(
            update(object_class.table).where(object_class.id_column == piece.result.object_id).values(values)
        )

    def _delete_absent(self, owner: _Piece, pieces: Sequence[_Piece]) -> None:
        """Delete the stored children and bindings of an object that a complete part does not mention."""
        for part in owner.prepared.parts:
            if part.handling is SnapshotHandling.INCREMENTAL or owner.result is None:
                continue
            # Wherever in the snapshot: it may be below something else now.
            own = [piece.result for piece in pieces if piece.prepared.object_class is part.object_class]
            mentioned = {result.object_id for result in own if result is not None}
            points = part.object_class.columns[part.owner_key.attribute] == owner.result.object_id
            stored: Any = self._connection.execute(select(part.object_class.id_column).where(points)).scalars()
            absent = [object_id for object_id in stored if object_id not in mentioned]
            deletion = Deletion(self._connection, self._catalog)
            deletion.delete(part.object_class, absent)
            for object_id in absent:
                self._touch(part.object_class.object_type, object_id, TaskEffect.DELETED)
            self._touched.extend(deletion.touched)

    def _touch(self, object_type: str, object_id: int, effect: TaskEffect) -> None:
        self._touched.append(TouchedObject(object_type, object_id, effect))


def _pieces_of(prepared: PreparedObject) -> Iterator[_Piece]:
    """The main object, and everything below it, depth first."""
    waiting = [_Piece(prepared)]
    while waiting:
        piece = waiting.pop()
        yield piece
        below = [_Piece(item, piece, part) for part in piece.prepared.parts for item in part.objects]
        waiting.extend(reversed(below))


def _may_be_empty_for_now(item: PreparedObject, key: ForeignKeyInfo) -> bool:
    """Whether the column may be null, and the object can be found without it."""
    if key.dependency is Dependency.BINDING or key.attribute in item.object_class.identity_attributes:
        return False
    return bool(item.object_class.columns[key.attribute].nullable)
