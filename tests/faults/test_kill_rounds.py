"""Servers that are killed or stopped again and again under load."""

import random
import time

import pytest
from faults.harness.lab import Lab

ROUNDS = {"sqlite": 40, "postgresql": 20}
WATCHED_ROUNDS = 5
"""So often a server lives long enough for watchers to find it: a client waits up to two seconds between its tries."""
GRACE_SECONDS = 2.0
CRASHED = 4
RECOVERY_SECONDS = {"sqlite": 2.0, "postgresql": 5.0}
"""How soon after a restart work goes on at the latest; here a lease lasts a second, not fifteen."""


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_servers_that_are_killed_at_any_moment_keep_their_promises(lab: Lab, database_url: str) -> None:
    kind = database_url.partition(":")[0]
    server = lab.server(database_url)
    server.start()
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    with lab.campaign(server) as campaign:
        for number in range(ROUNDS[kind]):
            if number % WATCHED_ROUNDS == 0:
                campaign.wait_for_watchers()
            campaign.wait_for_acknowledged(chance.randint(1, 120))
            server.kill()
            server.start()
        report = campaign.report("killed", faults=ROUNDS[kind], kills=ROUNDS[kind])
    assert lab.violations(report) == []
    assert max(report.recovery_seconds) < RECOVERY_SECONDS[kind]


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_servers_that_are_told_to_stop_do_so_in_order(lab: Lab, database_url: str) -> None:
    server = lab.server(database_url)
    server.start()
    rounds = 6
    with lab.campaign(server) as campaign:
        for _ in range(rounds):
            campaign.wait_for_acknowledged(60)
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < GRACE_SECONDS + 1
            server.start()
        assert lab.violations(campaign.report("told to stop", faults=rounds)) == []
    assert [attempt for attempt in campaign.evidence().attempts if attempt.outcome == CRASHED] == []
