"""What a watch of objects delivers, as the messages of its stream."""

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from functools import partial

from integrationbus.server.errors import ObjectTypeNotFound
from integrationbus.server.object_change import ObjectChange, object_changes
from integrationbus.server.object_view import ObjectView
from integrationbus.server.rpc.answers import in_parts
from integrationbus.server.rpc.queries import write_resume_token
from integrationbus.server.rpc.render import render_object, timestamp
from integrationbus.server.rpc.services import Objects, Services
from integrationbus.server.task_events import TaskEvent
from integrationbus.server.watch import ChangeBatch, WatchItem
from integrationbus.v1 import enums_pb2, object_service_pb2
from integrationbus.v1.object_service_pb2 import ObjectChanges, WatchObjectsResponse
from integrationbus.v1.task_service_pb2 import Checkpoint

__all__ = ["object_messages"]

# Objects may be large: so many changes, or those of one task, are read and sent at a time.
_AT_A_TIME = 100

_OfEvent = Sequence[ObjectChange]
_Found = Mapping[tuple[str, int], ObjectView]


async def object_messages(
    item: WatchItem, object_types: Collection[str], services: Services, *, with_objects: bool
) -> AsyncGenerator[WatchObjectsResponse, None]:
    """The messages for one item, each with how far it leads.

    One that ends within the changes of a task has no token: a watch that breaks there gets all of them again.
    """
    store_id = services.store.store_id
    token = write_resume_token(item.positions, store_id)
    if not isinstance(item, ChangeBatch):
        yield WatchObjectsResponse(checkpoint=Checkpoint(), resume_token=token)
        return
    parts = list(_cut(item.events, object_types))
    for number, part in enumerate(parts, 1):
        found = await services.reads(partial(_read, part, services.objects)) if with_objects else {}
        messages = _messages(part, found, store_id)
        if number == len(parts):
            messages[-1].resume_token.CopyFrom(token)
        for message in messages:
            yield message


def _cut(events: Sequence[TaskEvent], object_types: Collection[str]) -> Iterator[Sequence[_OfEvent]]:
    """The changes of each event, a bounded number of them at a time; those of one event stay together."""
    part: list[_OfEvent] = []
    size = 0
    for event in events:
        changes = object_changes(event, object_types)
        if part and size + len(changes) > _AT_A_TIME:
            yield part
            part, size = [], 0
        part.append(changes)
        size += len(changes)
    yield part


def _messages(part: Sequence[_OfEvent], found: _Found, store_id: str) -> list[WatchObjectsResponse]:
    """Whole events together in a message as far as they fit; one that is too large alone, in several."""
    bundles = (ObjectChanges(changes=[_render(change, found) for change in changes]) for changes in part)
    events = iter(part)
    messages: list[WatchObjectsResponse] = []
    for together in in_parts(bundles):
        # Within a connector the events are in order, so the last one of each is how far this leads.
        last = [next(events)[-1].event for _ in together]
        pieces = in_parts(change for bundle in together for change in bundle.changes)
        messages += [WatchObjectsResponse(changes=ObjectChanges(changes=piece)) for piece in pieces]
        token = write_resume_token({event.task.connector: event.position for event in last}, store_id)
        messages[-1].resume_token.CopyFrom(token)
    return messages


def _read(part: Sequence[_OfEvent], objects: Objects) -> _Found:
    """The objects as they are now, a query a type; those that are not there are left out."""
    wanted: dict[str, set[int]] = {}
    for change in (change for changes in part for change in changes if change.may_be_there):
        wanted.setdefault(change.object_type, set()).add(change.object_id)
    found: dict[tuple[str, int], ObjectView] = {}
    for object_type, ids in wanted.items():
        try:
            views = objects.by_ids(object_type, ids)
        except ObjectTypeNotFound:
            continue  # made by a class that is no longer there
        found |= {(object_type, object_id): view for object_id, view in views.items()}
    return found


def _render(change: ObjectChange, found: _Found) -> object_service_pb2.ObjectChange:
    event = change.event
    view = found.get((change.object_type, change.object_id)) if change.may_be_there else None
    return object_service_pb2.ObjectChange(
        object_type=change.object_type,
        object_id=change.object_id,
        effect=enums_pb2.TaskEffect.ValueType(change.effect),
        connector=event.task.connector,
        task_id=event.task.id,
        external_id=change.external_id,
        run_id=event.run_id,
        occurred_at=timestamp(event.occurred_at),
        object=None if view is None else render_object(view),
    )
