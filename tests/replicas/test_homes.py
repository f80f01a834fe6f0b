"""Who is to process what: every replica comes to the same answer by itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from support.clocks import ManualClock

from integrationbus.server.replica import Replica, homes_of
from integrationbus.server.replicas.trust import Window

NAMES = [f"connector {number}" for number in range(60)]
IDS = st.lists(st.uuids().map(str), min_size=1, max_size=6, unique=True)


def replicas(ids: Sequence[str]) -> list[Replica]:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    return [Replica(id=each, connectors=frozenset(NAMES), started_at=started) for each in ids]


@given(IDS, st.randoms())
def test_the_homes_do_not_depend_on_the_order_in_which_replicas_are_seen(ids: list[str], chance: Random) -> None:
    mixed = replicas(ids)
    chance.shuffle(mixed)
    assert homes_of(mixed) == homes_of(replicas(ids))


@given(IDS)
def test_nobody_has_more_than_an_equal_share(ids: list[str]) -> None:
    loads = Counter(homes_of(replicas(ids)).values())
    assert sum(loads.values()) == len(NAMES)
    assert max(loads.values()) <= ceil(len(NAMES) / len(ids))


@given(IDS, st.uuids().map(str))
def test_one_that_comes_or_goes_moves_little_more_than_its_own_share(ids: list[str], newcomer: str) -> None:
    before, after = homes_of(replicas(ids)), homes_of(replicas([*ids, newcomer]))
    moved = [name for name in NAMES if before[name] != after[name]]
    assert len(moved) <= 2 * ceil(len(NAMES) / (len(ids) + 1))


def test_a_connector_is_at_home_only_where_it_can_run() -> None:
    one, two = replicas(["one", "two"])
    half = replace(one, connectors=frozenset(NAMES[:10]))
    homes = homes_of([half, two])
    assert set(homes) == set(NAMES)
    assert {homes[name] for name in NAMES[10:]} == {"two"}
    assert homes_of([replace(one, connectors=frozenset())]) == {}
    assert homes_of([]) == {}


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
