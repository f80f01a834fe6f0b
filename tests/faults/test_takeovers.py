"""Several servers on one PostgreSQL: one dies, stops, or stands still and comes back."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from faults.harness.broken_server import BROKEN, HELD, MODULE
from faults.harness.lab import Lab
from faults.harness.report import CampaignReport
from faults.harness.server import ServerProcess
from support.databases import fresh_postgres

from integrationbus.client import Client, DeadlineExceeded
from integrationbus.server import failpoints

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

KEEPS_ALL = {
    f"INTEGRATIONBUS_RETAIN_{each}": "0" for each in ("SUCCEEDED", "FAILED", "DELETED", "EVENTS", "REQUEST_IDS", "RUNS")
}
"""A server that stands still must do so outside of any transaction: nothing is purged."""
REPLICAS = 3
ROUNDS = 12
CRASHED = 4
RECOVERY_SECONDS = 5.0
"""A lease lasts one second here; then come the look of the others, and their start."""
IDLE_SECONDS = 15.0
"""When the database ends a transaction in which a server stands still."""


@pytest.fixture
def shared_database(postgres: str, worker_id: str) -> Iterator[str]:
    """The URL of an empty database for several servers."""
    with fresh_postgres(postgres, f"takeovers_{worker_id}") as url:
        yield url


def taken_over_with_a_claim_in_hand(lab: Lab, database_url: str, broken: str = "") -> CampaignReport:
    """The first server stands still with a claim; the second takes the same tasks; then the first goes on.

    All is logged before, so that the first server stands still outside of any transaction.
    """
    module = MODULE if broken else "integrationbus.server.cli"
    first, second = (lab.server(database_url, module=module) for _ in range(2))
    environment = {failpoints.VARIABLE: "claim.after_commit=stop@1", **KEEPS_ALL} | ({BROKEN: broken} if broken else {})
    first.start(environment)
    with Client(first.address, application="tests", timeout=5) as client:
        client.pause_connector("left")
        with lab.campaign(first, watchers=0, calls=10, connectors=("left",)) as campaign:
            for caller in campaign.callers:
                caller.join()
            with suppress(DeadlineExceeded):
                client.resume_connector("left")
            first.wait_until_frozen()
            second.launch(environment)
            second.wait_until_frozen()
            first.thaw()
            campaign.wait_until_idle()
            second.thaw()
            second.wait_until_serving()
            campaign.join(second)
            return campaign.report(f"taken over {broken}".strip(), faults=2, takeovers=1)


def test_a_server_that_was_taken_over_does_nothing_more(lab: Lab, shared_database: str) -> None:
    assert lab.violations(taken_over_with_a_claim_in_hand(lab, shared_database)) == []


def test_a_server_that_stands_still_in_a_transaction_is_taken_over(lab: Lab, shared_database: str) -> None:
    """What it has locked is set free when the database ends its session, which is idle in a transaction."""
    first, second = (lab.server(shared_database) for _ in range(2))
    first.start({failpoints.VARIABLE: "settle.before_commit=stop@3", **KEEPS_ALL})
    with lab.campaign(first, watchers=1, calls=20, connectors=("left",)) as campaign:
        first.wait_until_frozen()
        second.start(KEEPS_ALL)
        campaign.join(second)
        campaign.wait_for_processed(1, second)
        first.thaw()
        assert lab.violations(campaign.report("frozen in a transaction", faults=1, takeovers=1)) == []


def test_a_server_whose_interpreter_a_connector_holds_for_good_is_taken_over(lab: Lab, shared_database: str) -> None:
    """No signal and no call gets through to it any more: it has to be killed, as a supervisor would."""
    held = lab.folder / "held"
    environment = {BROKEN: "with_a_held_interpreter", HELD: str(held)}
    servers = [lab.server(shared_database, module=MODULE) for _ in range(2)]
    for server in servers:
        server.start(environment)
    with lab.campaign(*servers, watchers=1) as campaign:
        campaign.wait_for_file(held)
        victim, other = sorted(servers, key=lambda server: server.pid != int(held.read_text(encoding="ascii")))
        campaign.wait_until_held_by(other)
        seconds = time.time() - held.stat().st_mtime
        # Not many: the callers wait for the held server half of their time.
        campaign.wait_for_processed(1, other, seconds=120)
        victim.kill()
        victim.start(environment)
        report = campaign.report("interpreter held", faults=1, kills=1, takeovers=1)
    assert lab.violations(report) == []
    assert seconds < IDLE_SECONDS + RECOVERY_SECONDS


def test_servers_that_are_killed_are_taken_over_by_the_others(lab: Lab, shared_database: str) -> None:
    servers = several(lab, shared_database)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    killed_at: list[float] = []
    with lab.campaign(*servers, watchers=REPLICAS) as campaign:
        for _ in range(ROUNDS):
            campaign.wait_for_acknowledged(chance.randint(20, 80))
            victim = chance.choice(servers)
            victim.kill()
            killed_at.append(time.time())
            campaign.wait_for_processed(20, next(server for server in servers if server is not victim))
            victim.start()
        since = [servers[0].served_at[0], *killed_at]
        report = campaign.report("replicas killed", faults=ROUNDS, kills=ROUNDS, takeovers=ROUNDS, since=since)
    assert lab.violations(report) == []
    assert max(report.recovery_seconds) < RECOVERY_SECONDS


def test_servers_that_stop_one_after_the_other_charge_nobody(lab: Lab, shared_database: str) -> None:
    """As when a new version is rolled out: nothing counts as a crash, and the others go on."""
    servers = several(lab, shared_database)
    with lab.campaign(*servers, watchers=REPLICAS) as campaign:
        for place, server in enumerate(servers * 2):
            campaign.wait_for_acknowledged(40)
            assert server.stop() == 0
            campaign.wait_for_processed(20, servers[(place + 1) % REPLICAS])
            server.start()
        assert lab.violations(campaign.report("rolled over", faults=2 * REPLICAS, takeovers=2 * REPLICAS)) == []
    assert [attempt for attempt in campaign.evidence().attempts if attempt.outcome == CRASHED] == []


def several(lab: Lab, database_url: str) -> list[ServerProcess]:
    """Replicas that serve."""
    servers = [lab.server(database_url) for _ in range(REPLICAS)]
    for server in servers:
        server.start()
    return servers


def test_without_a_fence_it_would(lab: Lab, shared_database: str) -> None:
    report = taken_over_with_a_claim_in_hand(lab, shared_database, "without_fence,with_small_claims")
    assert "S10" in {finding.name.split()[0] for finding in report.findings if finding.violations}
