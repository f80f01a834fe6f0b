"""Who is to process what: every replica comes to the same answer by itself."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.clocks import ManualClock

from integrationbus.server.replica import Replica, home_of
from integrationbus.server.replicas.trust import Window

NAMES = [f"connector {number}" for number in range(200)]
IDS = st.lists(st.uuids().map(str), min_size=1, max_size=6, unique=True)


def replicas(ids: list[str]) -> list[Replica]:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    return [Replica(id=each, connectors=frozenset(NAMES), started_at=started) for each in ids]


@given(IDS, st.randoms())
def test_the_home_does_not_depend_on_the_order_in_which_replicas_are_seen(ids: list[str], chance: object) -> None:
    mixed = replicas(ids)
    chance.shuffle(mixed)  # type: ignore[attr-defined] # hypothesis makes a random.Random
    assert [home_of(name, mixed) for name in NAMES] == [home_of(name, replicas(ids)) for name in NAMES]


@given(IDS, st.uuids().map(str))
def test_one_that_comes_or_goes_moves_its_own_share_alone(ids: list[str], newcomer: str) -> None:
    before, after = replicas(ids), replicas([*ids, newcomer])
    moved = {name for name in NAMES if home_of(name, before) != home_of(name, after)}
    assert moved == {name for name in NAMES if home_of(name, after) == newcomer}


def test_the_shares_are_of_much_the_same_size() -> None:
    ids = [f"replica {number}" for number in range(4)]
    homes = [home_of(name, replicas(ids)) for name in NAMES]
    assert all(30 <= homes.count(each) <= 70 for each in ids)


def test_a_connector_is_at_home_only_where_it_can_run() -> None:
    one, two = replicas(["one", "two"])
    without = Replica(id=one.id, connectors=frozenset(), started_at=one.started_at)
    assert {home_of(name, [without, two]) for name in NAMES} == {"two"}
    assert {home_of(name, [without]) for name in NAMES} == {""}


def test_trust_in_a_lease_ends_before_the_lease(clock: ManualClock) -> None:
    window = Window(timedelta(seconds=15), clock)
    assert not window.holds(1), "before it was taken"
    asked_at = clock.monotonic()
    # The answer of the database takes its time, which counts.
    clock.advance(timedelta(seconds=5))
    window.begin(1, asked_at)
    clock.advance(timedelta(seconds=6))
    assert window.holds(1)
    clock.advance(timedelta(seconds=1))
    assert not window.holds(1)
    window.renew([1], clock.monotonic())
    assert window.holds(1)
    assert not window.holds(2)
