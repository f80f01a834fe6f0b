"""Replicas on record: who is there, and who holds what."""

import pytest
from sqlalchemy import create_engine, make_url, text
from support.bench import Workbench
from support.clocks import ManualClock
from support.databases import fresh_postgres

from integrationbus.server.errors import LeaseHeld
from integrationbus.server.ids import new_id
from integrationbus.server.replica import Replica


def replica(clock: ManualClock) -> Replica:
    return Replica(id=new_id(), connectors=frozenset({"people"}), started_at=clock.now())


def test_a_replica_is_there_until_it_leaves_or_is_not_heard_of(bus: Workbench, clock: ManualClock) -> None:
    one, two, three = replica(clock), replica(clock), replica(clock)
    for each in (one, two, three):
        bus.store.attend(each)
    assert bus.store.roll().replicas == [one, two, three]
    bus.store.leave(two.id)
    with bus.database.write() as connection:
        connection.execute(text("UPDATE replica SET expires_at = 1 WHERE id = :id"), {"id": three.id})
    assert bus.store.roll().replicas == [one]
    assert bus.store.attend(one).replicas == [one]
    with bus.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM replica")).scalar_one() == 1


def test_presence_prolongs_the_leases_of_the_same_replica_alone(bus: Workbench, clock: ManualClock) -> None:
    one, two = replica(clock), replica(clock)
    bus.store.acquire_lease("people", one.id, "")
    with bus.database.write() as connection:
        connection.execute(text("UPDATE lease SET expires_at = 1"))
    assert bus.store.attend(two).renewed == frozenset()
    assert bus.store.roll().holders == {}, "a lease that has expired is nobody's"
    roll = bus.store.attend(one)
    assert roll.renewed == {bus.store.connector("people").id}
    assert roll.holders == {"people": one.id}
    with pytest.raises(LeaseHeld, match="people"):
        bus.store.acquire_lease("people", two.id, "")
    bus.store.release_lease("people", two.id)
    assert bus.store.roll().holders == {"people": one.id}, "only the holder gives it back"
    bus.store.release_lease("people", one.id)
    assert bus.store.acquire_lease("people", two.id, "").epoch == 2


def test_a_lease_that_is_being_settled_is_not_waited_for(postgres_url: str, clock: ManualClock) -> None:
    """The one who settles prolongs it; the heartbeat of the process must not hang on a slow transaction."""
    with Workbench(postgres_url, clock) as bus:
        one = replica(clock)
        lease = bus.store.acquire_lease("people", one.id, "")
        with bus.database.write() as connection:
            connection.execute(text("SELECT * FROM lease FOR UPDATE"))
            assert bus.store.attend(one).renewed == frozenset()
        assert bus.store.attend(one).renewed == {lease.connector_id}


def test_a_replica_joins_beside_one_that_stands_still_in_a_transaction(postgres_url: str, clock: ManualClock) -> None:
    """Whatever that one has locked of the connectors that both know."""
    with Workbench(postgres_url, clock) as bus, bus.database.write() as connection:
        connection.execute(text("SELECT * FROM connector JOIN connector_head ON true JOIN lease ON true FOR UPDATE"))
        with Workbench(postgres_url, clock) as other:
            joined = replica(clock)
            assert other.store.attend(joined).replicas == [joined]


def test_a_replica_that_has_just_come_back_is_not_waited_for(postgres_url: str, clock: ManualClock) -> None:
    """After the database was away all are late: each would wait for the row of another one."""
    with Workbench(postgres_url, clock) as bus:
        one, two = replica(clock), replica(clock)
        for each in (one, two):
            bus.store.attend(each)
        with bus.database.write() as connection:
            connection.execute(text("UPDATE replica SET expires_at = 1"))
        with bus.database.write() as connection:
            connection.execute(text("UPDATE replica SET expires_at = 2 WHERE id = :id"), {"id": two.id})
            assert bus.store.attend(one).replicas == [one]


def test_a_replica_that_leaves_has_given_back_everything(bus: Workbench, clock: ManualClock) -> None:
    one, two = replica(clock), replica(clock)
    bus.store.acquire_lease("people", one.id, "")
    bus.store.leave(two.id)
    assert bus.store.roll().holders == {"people": one.id}
    bus.store.leave(one.id)
    assert bus.store.roll().holders == {}


def test_presence_does_not_depend_on_a_right_to_end_sessions(postgres: str, clock: ManualClock) -> None:
    """Some databases that speak PostgreSQL have no such function, and some roles may not call it."""
    with fresh_postgres(postgres, "bus_presence") as url:
        owner = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
        with owner.begin() as connection:
            connection.execute(text("DROP ROLE IF EXISTS plain"))
            connection.execute(text("CREATE ROLE plain LOGIN"))
            connection.execute(text("GRANT ALL ON SCHEMA public TO plain"))
            connection.execute(text("REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC"))
        plain = make_url(url).set(username="plain").render_as_string(hide_password=False)
        with Workbench(plain, clock) as bus:
            one = replica(clock)
            assert bus.store.attend(one).replicas == [one]
        with owner.begin() as connection:
            connection.execute(text("GRANT EXECUTE ON FUNCTION pg_terminate_backend TO PUBLIC"))
            connection.execute(text("DROP OWNED BY plain"))
            connection.execute(text("DROP ROLE plain"))
        owner.dispose()
