"""Writing one group of a batch, and telling apart what is written from what has to wait."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from integrationbus.server.object_names import behind_task, is_external_id
from integrationbus.server.prepared import Application, Outcome, PreparedTask
from integrationbus.server.problems import BehindWaitingTask, MissingKey, MissingTarget
from integrationbus.server.target.objects import delete_group, find_group, write_group
from integrationbus.server.target.pages import PageWriter
from integrationbus.server.target.row import TargetRow
from integrationbus.server.target.session import TargetSession
from integrationbus.server.target.site_column import SiteColumn
from integrationbus.server.target.sites import SiteAssignment
from integrationbus.server.target.snapshot import SnapshotWriter
from integrationbus.server.target.translate import Translation
from integrationbus.server.target.values import checked_values
from integrationbus.server.task import AwaitedKey, TaskEffect, TaskResult, TaskType

__all__ = ["GroupWriter"]

_Rows = Sequence[TargetRow]


class GroupWriter:
    """Does what the tasks of a group want; all of a group want the same of one class."""

    def __init__(self, session: TargetSession, application: Application) -> None:
        self._session = session
        self._connection = session.connection
        self._connector_id = session.connector_id
        self._translator = session.translator
        self._application = application

    def write(self, group: Sequence[PreparedTask]) -> list[Outcome]:
        """An outcome for each task. Raises a TaskProblem, with something written perhaps."""
        first = group[0]
        if first.object_class.is_page:
            return [self._one(first, self._write_page)]
        if first.is_snapshot:
            return [self._one(first, self._write_snapshot)]
        outcomes: list[Outcome | None] = [self._behind(item) for item in group]
        free = [place for place, outcome in enumerate(outcomes) if outcome is None]
        rows: dict[int, TargetRow] = {}
        for place, row in zip(free, self._rows([group[place] for place in free]), strict=True):
            if isinstance(row, MissingTarget):
                outcomes[place] = self._begin_to_wait(group[place], row)
            else:
                rows[place] = row
        if rows:
            results = (
                self._look(first, rows) if self._application.look_only else self._operate(first, list(rows.values()))
            )
            for place, result in zip(rows, results, strict=True):
                outcomes[place] = self._noted(group[place], result)
        return [outcome for outcome in outcomes if outcome is not None]

    def _one(self, item: PreparedTask, write: Callable[[PreparedTask], TaskResult]) -> Outcome:
        """Write what consists of several statements; when it has to wait, all of them are undone."""
        behind = self._behind(item)
        if behind is not None:
            return behind
        if not item.may_wait:
            return self._noted(item, write(item))
        try:
            with self._connection.begin_nested():
                result = write(item)
        except MissingTarget as problem:
            return self._begin_to_wait(item, problem)
        return self._noted(item, result)

    def _behind(self, item: PreparedTask) -> Outcome | None:
        """Whether an earlier task about the same object waits."""
        held = self._application.held
        if not held:
            return None
        own_id = item.task.external_id
        places = [
            sequence
            for name in item.names(self._connector_id)
            for sequence, external_id in held.get(name, {}).items()
            # Two external ids are two objects, even if both have one code name, on different sites perhaps.
            if sequence < item.task.sequence
            and (is_external_id(name) or not own_id or not external_id or external_id == own_id)
        ]
        if not places:
            return None
        earlier = min(places)
        awaited = AwaitedKey(object_type=item.object_class.object_type, external_id=item.task.external_id)
        text = "an earlier task about the same object waits"
        return self._begin_to_wait(item, BehindWaitingTask(text, [MissingKey(awaited, behind_task(earlier))]))

    def _begin_to_wait(self, item: PreparedTask, problem: MissingTarget) -> MissingTarget:
        """Let later tasks about the same object wait, too. Raises the problem if the task is not to wait."""
        own = list(item.names(self._connector_id))
        if not isinstance(problem, BehindWaitingTask):
            # What the task itself would make does not appear while it waits.
            in_vain = any(key.name in own for key in problem.missing)
            if not item.may_wait or not problem.missing or in_vain:
                raise problem
        for name in own:
            self._application.held.setdefault(name, {})[item.task.sequence] = item.task.external_id
        return problem

    def _noted(self, item: PreparedTask, result: TaskResult) -> TaskResult:
        if item.task.task_type.writes_columns:
            self._application.done.append(item)
            self._application.written.add((result.object_type, result.object_id))
            if result.touched:
                self._application.written.update((other.object_type, other.object_id) for other in result.touched)
        return replace(result, notes=(*item.notes, *result.notes)) if item.notes else result

    def _rows(self, group: Sequence[PreparedTask]) -> list[TargetRow | MissingTarget]:
        if not group:
            return []
        only_to_find = not group[0].task.task_type.writes_columns
        translations = self._translator.translate([item.main for item in group], only_to_find=only_to_find)
        rows: list[TargetRow | MissingTarget] = []
        for item, translation in zip(group, translations, strict=True):
            if isinstance(translation, MissingTarget):
                rows.append(translation)
                continue
            try:
                if item.task.task_type.is_about_a_site:
                    self._translator.site_id(item.task.site)
                rows.append(self._row(item, translation))
            except MissingTarget as problem:
                rows.append(problem)
        return rows

    def _row(self, item: PreparedTask, translation: Translation) -> TargetRow:
        values: dict[str, object] = {**item.main.values, **translation.columns}
        if item.task.site:
            values |= SiteColumn(self._translator, item.task.site).of(item.main, values)
        return TargetRow(
            values=checked_values(item.object_class, values),
            external_id=item.main.external_id,
            notes=tuple(translation.notes),
        )

    def _look(self, first: PreparedTask, rows: Mapping[int, TargetRow]) -> list[TaskResult]:
        """Results that say no more than that nothing is missing."""
        object_type = first.object_class.object_type
        return [TaskResult(effect=TaskEffect.UPDATED, object_type=object_type, object_id=0) for _ in rows]

    def _operate(self, first: PreparedTask, rows: _Rows) -> list[TaskResult]:
        place = (self._connection, self._connector_id, first.object_class)
        match first.task.task_type:
            case TaskType.DELETE_OBJECT:
                return delete_group(*place, rows, self._session.catalog)
            case TaskType.ADD_TO_SITE:
                return self._add_to_site(first, write_group(*place, rows))
            case TaskType.REMOVE_FROM_SITE:
                return self._remove_from_site(first, rows, find_group(*place, rows))
            case _:
                return write_group(*place, rows)

    def _assignment(self, first: PreparedTask) -> SiteAssignment:
        site_id = self._translator.site_id(first.task.site)
        return SiteAssignment(self._session, first.object_class, site_id)

    def _add_to_site(self, first: PreparedTask, results: Sequence[TaskResult]) -> list[TaskResult]:
        assignment = self._assignment(first)
        assigned: list[TaskResult] = []
        for result in results:
            touched = assignment.add(result.object_id)
            notes = result.notes if touched else (*result.notes, f"it belonged to {first.task.site} before")
            assigned.append(replace(result, notes=notes, touched=touched))
        return assigned

    def _remove_from_site(self, first: PreparedTask, rows: _Rows, existing: Sequence[int | None]) -> list[TaskResult]:
        assignment = self._assignment(first)
        results: list[TaskResult] = []
        for row, object_id in zip(rows, existing, strict=True):
            touched = () if object_id is None else assignment.remove(object_id)
            notes = row.notes if touched else (*row.notes, f"it did not belong to {first.task.site}")
            effect = TaskEffect.REMOVED_FROM_SITE if touched else TaskEffect.NOTHING_TO_DELETE
            results.append(
                TaskResult(
                    effect=effect,
                    object_type=first.object_class.object_type,
                    object_id=object_id or 0,
                    notes=notes,
                    touched=touched,
                )
            )
        return results

    def _write_page(self, item: PreparedTask) -> TaskResult:
        [row] = self._rows([item])
        if isinstance(row, MissingTarget):
            raise row
        writer = PageWriter(self._session, item, row)
        result = writer.apply()
        self._application.appeared |= writer.appeared
        return result

    def _write_snapshot(self, item: PreparedTask) -> TaskResult:
        site = SiteColumn(self._translator, item.task.site)
        writer = SnapshotWriter(self._session, site)
        result = writer.write(item.main)
        self._application.appeared |= writer.appeared
        if item.task.task_type is TaskType.ADD_TO_SITE:
            touched = self._assignment(item).add(result.object_id)
            result = replace(result, touched=(*result.touched, *touched))
        return result
