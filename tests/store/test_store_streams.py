"""What the store promises about streams of numbered tasks, on each kind of database."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from support.bench import Workbench, new_task

from integrationbus.server.log_entries import LogEntry, LogReceipt
from integrationbus.server.log_streams import MisplacedEntry, StreamPlace, StreamRejection, StreamStanding


def part(after: int, number: int, *rejected: int, heard: int = 0, stream_id: str = "s", creator: str = "a") -> LogEntry:
    """The tasks of a stream behind one number and up to another, all of them but the rejected ones."""
    tasks = [new_task({}, external_id=f"p{each}") for each in range(after + 1, number + 1) if each not in rejected]
    place = StreamPlace(
        creator=creator,
        stream_id=stream_id,
        after=after,
        number=number,
        rejections=[rejection(each) for each in rejected],
        heard_number=heard,
    )
    return LogEntry(tasks=tasks, place=place)


def rejection(number: int) -> StreamRejection:
    return StreamRejection(number=number, code=3, reason="INVALID_FIELD", message=f"{number} é", field_path="labels[x]")


def stored(bus: Workbench) -> list[str]:
    return [task.external_id for task in bus.all_tasks()]


def test_a_stream_stands_where_its_last_task_was_stored(bus: Workbench) -> None:
    assert bus.store.stream_standing("a", "s") == StreamStanding()
    receipts = bus.store.append([part(0, 2), part(2, 3), part(0, 1, creator="b")])
    assert all(isinstance(receipt, LogReceipt) for receipt in receipts)
    assert bus.store.stream_standing("a", "s").settled_number == 3
    assert bus.store.stream_standing("b", "s").settled_number == 1
    assert stored(bus) == ["p1", "p2", "p3", "p1"]


def test_what_does_not_begin_where_the_stream_stands_is_not_stored(bus: Workbench) -> None:
    bus.store.append([part(0, 2)])
    outcomes = bus.store.append([part(0, 2), part(1, 3), part(3, 4), part(2, 3), part(0, 1, stream_id="other")])
    misplaced = MisplacedEntry(stream_id="s")
    assert [outcome == misplaced for outcome in outcomes] == [True, True, True, False, False]
    assert bus.store.append([part(5, 6, stream_id="new")]) == [MisplacedEntry(stream_id="new")]
    assert stored(bus) == ["p1", "p2", "p3", "p1"]
    assert bus.store.stream_standing("a", "s").settled_number == 3


def test_rejections_are_kept_with_the_task_behind_them_until_they_were_heard_of(bus: Workbench) -> None:
    bus.store.append([part(0, 3, 1, 2)])
    assert bus.store.stream_standing("a", "s").rejections == [rejection(1), rejection(2)]
    bus.store.append([part(3, 5, 4)])
    assert bus.store.stream_standing("a", "s").rejections == [rejection(1), rejection(2), rejection(4)]
    bus.store.append([part(5, 6, heard=2)])
    assert bus.store.stream_standing("a", "s").rejections == [rejection(4)]
    bus.store.append([part(6, 7, heard=6)])
    assert bus.store.stream_standing("a", "s") == StreamStanding(settled_number=7, rejections=[])


def test_of_two_writers_at_the_same_number_one_gets_past(bus: Workbench) -> None:
    barrier = Barrier(2)

    def append(place: int) -> bool:
        barrier.wait(10)
        [outcome] = bus.store.append([part(place, place + 1)])
        return isinstance(outcome, LogReceipt)

    with ThreadPoolExecutor(2) as pool:
        for place in range(20):
            assert sorted(pool.map(append, [place, place])) == [False, True]
    assert stored(bus) == [f"p{number}" for number in range(1, 21)]
    page = bus.store.events(bus.store.connector("people").id, after_position=0, limit=100)
    assert [event.position for event in page.events] == list(range(1, 21))
