"""Several servers on one PostgreSQL, of which one stands still and comes back."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from faults.harness.broken_server import BROKEN, MODULE
from faults.harness.lab import Lab
from faults.harness.report import CampaignReport
from support.databases import fresh_postgres

from integrationbus.client import Client, DeadlineExceeded
from integrationbus.server import failpoints

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def shared_database(postgres: str) -> Iterator[str]:
    """The URL of an empty database for several servers."""
    with fresh_postgres(postgres, "takeovers") as url:
        yield url


def taken_over_with_a_claim_in_hand(lab: Lab, database_url: str, broken: str = "") -> CampaignReport:
    """The first server stands still with a claim; the second takes the same tasks; then the first goes on.

    All is logged before, so that the first server stands still outside of any transaction.
    """
    module = MODULE if broken else "integrationbus.server.cli"
    first, second = (lab.server(database_url, module=module) for _ in range(2))
    environment = {failpoints.VARIABLE: "claim.after_commit=stop@1"} | ({BROKEN: broken} if broken else {})
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


def test_without_a_fence_it_would(lab: Lab, shared_database: str) -> None:
    report = taken_over_with_a_claim_in_hand(lab, shared_database, "without_fence")
    assert "S10" in {finding.name.split()[0] for finding in report.findings if finding.violations}
