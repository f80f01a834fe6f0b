"""What a watch delivers, as the messages of its stream."""

from collections.abc import Iterator

from integrationbus.server.rpc.answers import in_parts
from integrationbus.server.rpc.queries import read_resume_token, write_resume_token
from integrationbus.server.rpc.render import render_change, render_task
from integrationbus.server.rpc.services import Services
from integrationbus.server.watch import ChangeBatch, SnapshotPart, WatchItem, WatchStart
from integrationbus.v1.task_pb2 import ResumeToken
from integrationbus.v1.task_service_pb2 import Checkpoint, TaskChange, TaskChanges, TaskSnapshot, WatchTasksResponse

__all__ = ["resumed", "watch_messages"]


async def resumed(token: ResumeToken, services: Services) -> WatchStart:
    """The start of a watch that goes on behind a token. Raises ResumeTokenInvalid."""
    store = services.store
    known = {record.name for record in await services.reads(store.connectors)}
    return WatchStart(positions=read_resume_token(token, known, store.store_id))


def watch_messages(item: WatchItem, store_id: str) -> Iterator[WatchTasksResponse]:
    """The messages for one item: several when it is too large for one.

    A watch that breaks between two of them resumes there: each carries how far it leads.
    """
    match item:
        case SnapshotPart():
            yield from _snapshot(item, store_id)
        case ChangeBatch():
            yield from _changes(item, store_id)
        case _:
            token = write_resume_token(item.positions, store_id)
            yield WatchTasksResponse(checkpoint=Checkpoint(), resume_token=token)


def _snapshot(item: SnapshotPart, store_id: str) -> Iterator[WatchTasksResponse]:
    parts = list(in_parts(render_task(task) for task in item.tasks))
    for part in parts[:-1]:
        yield WatchTasksResponse(snapshot=TaskSnapshot(tasks=part))
    last = TaskSnapshot(tasks=parts[-1], complete=item.complete)
    yield WatchTasksResponse(snapshot=last, resume_token=write_resume_token(item.positions, store_id))


def _changes(item: ChangeBatch, store_id: str) -> Iterator[WatchTasksResponse]:
    parts = list(in_parts(render_change(event) for event in item.events))
    for part in parts[:-1]:
        # Within a connector the changes are in order, so the last one of each is how far this part leads.
        token = write_resume_token({change.connector: change.position for change in part}, store_id)
        yield _message(part, token)
    yield _message(parts[-1], write_resume_token(item.positions, store_id))


def _message(changes: list[TaskChange], token: ResumeToken) -> WatchTasksResponse:
    return WatchTasksResponse(changes=TaskChanges(changes=changes), resume_token=token)
