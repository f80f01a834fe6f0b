"""A PostgreSQL that goes away, ends connections, loses the answer to a commit, or has no room left."""

import random
from pathlib import Path
from typing import Literal

import pytest
from faults.harness.cutting_proxy import CuttingProxy
from faults.harness.lab import Lab
from faults.harness.postgres import BreakablePostgres
from faults.harness.standby import standby_of
from grpc_health.v1.health_pb2 import HealthCheckResponse

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted(
    lab: Lab, own_postgres: BreakablePostgres, mode: Literal["fast", "immediate"]
) -> None:
    server = lab.server(own_postgres.url)
    server.start()
    rounds = 6
    with lab.campaign(server) as campaign:
        for _ in range(rounds):
            campaign.wait_for_acknowledged(60)
            own_postgres.restart(mode)
        campaign.wait_for_acknowledged(60)
        assert lab.violations(campaign.report(f"restarted, {mode}", faults=rounds)) == []


def test_connections_that_are_ended(lab: Lab, own_postgres: BreakablePostgres) -> None:
    server = lab.server(own_postgres.url)
    server.start()
    ended = 0
    with lab.campaign(server) as campaign:
        for _ in range(25):
            campaign.wait_for_acknowledged(15)
            ended += own_postgres.end_connections()
        assert lab.violations(campaign.report("connections ended", faults=ended)) == []
    assert ended > 25


def test_connections_that_are_cut_around_their_commit(lab: Lab, own_postgres: BreakablePostgres) -> None:
    moments: tuple[Literal["before", "after"], ...] = ("before", "after")
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    rounds = 30
    with CuttingProxy(own_postgres.socket) as proxy:
        server = lab.server(proxy.url_of(own_postgres))
        server.start()
        with lab.campaign(server) as campaign:
            for number in range(rounds):
                campaign.wait_for_acknowledged(chance.randint(1, 20))
                assert proxy.cut_next(moments[number % 2])
            assert lab.violations(campaign.report("cut around commits", faults=rounds)) == []
        calls = campaign.evidence().calls
    assert any(call.duplicate for call in calls)
    assert any(call.reason == "OUTCOME_UNKNOWN" for call in calls)


def test_a_primary_that_is_lost_and_replaced_by_its_synchronous_standby(
    lab: Lab, own_postgres: BreakablePostgres
) -> None:
    with CuttingProxy(own_postgres.socket) as proxy, standby_of(own_postgres) as standby:
        server = lab.server(proxy.url_of(own_postgres))
        server.start()
        with lab.campaign(server) as campaign:
            campaign.wait_for_acknowledged(200)
            own_postgres.crash()
            proxy.redirect(standby.socket)
            standby.promote()
            campaign.wait_for_acknowledged(200)
            assert lab.violations(campaign.report("failed over, synchronous", faults=1)) == []


def test_connections_that_are_used_up_by_others(lab: Lab, own_postgres: BreakablePostgres) -> None:
    server = lab.server(own_postgres.url)
    server.start()
    rounds = 3
    with lab.campaign(server) as campaign:
        campaign.be_refused(own_postgres.used_up, rounds, readable=False)
        assert lab.violations(campaign.report("connections used up", faults=rounds)) == []
    assert len(server.served_at) == 1


def test_a_password_that_is_wrong_for_a_while(lab: Lab, own_postgres: BreakablePostgres) -> None:
    server = lab.server(own_postgres.url_with_password("right"))
    server.start()
    with lab.campaign(server) as campaign:
        campaign.wait_for_acknowledged(40)
        own_postgres.change_password("wrong")
        own_postgres.end_connections()
        campaign.wait_for_refusals(3)
        campaign.wait_for_health(HealthCheckResponse.NOT_SERVING)
        own_postgres.change_password("right")
        campaign.wait_for_health(HealthCheckResponse.SERVING)
        campaign.wait_for_acknowledged(40)
        assert lab.violations(campaign.report("wrong password", faults=1)) == []
    assert len(server.served_at) == 1


def test_a_full_disk_below_the_database_takes_no_tasks_and_is_left_behind(
    lab: Lab, own_postgres: BreakablePostgres, shim: Path
) -> None:
    own_postgres.put_on_shimmed_disk(shim)
    server = lab.server(own_postgres.url)
    server.start()
    rounds = 3
    with lab.campaign(server) as campaign:
        campaign.be_refused(own_postgres.full_disk, rounds, readable=True)
        assert lab.violations(campaign.report("full disk", faults=rounds)) == []
    assert len(server.served_at) == 1
