"""Several servers on one PostgreSQL, of which one stands still and comes back."""

from collections.abc import Iterator

import pytest
from faults.harness.broken_server import BROKEN, MODULE
from faults.harness.lab import Lab
from faults.harness.report import CampaignReport
from support.databases import fresh_postgres

from integrationbus.server import failpoints

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

STOP = "claim.after_commit=stop"


@pytest.fixture
def shared_database(postgres: str) -> Iterator[str]:
    """The URL of an empty database for several servers."""
    with fresh_postgres(postgres, "takeovers") as url:
        yield url


def taken_over_with_a_claim_in_hand(lab: Lab, database_url: str, broken: str = "") -> CampaignReport:
    """The first server stands still with a claim; the second takes the same tasks; then the first goes on."""
    module = MODULE if broken else "integrationbus.server.cli"
    first, second = (lab.server(database_url, module=module) for _ in range(2))
    environment = {BROKEN: broken} if broken else {}
    first.start({**environment, failpoints.VARIABLE: f"{STOP}@4"})
    with lab.campaign(first, watchers=1, connectors=("left",)) as campaign:
        first.wait_until_frozen()
        second.launch({**environment, failpoints.VARIABLE: f"{STOP}@1"})
        second.wait_until_frozen()
        first.thaw()
        campaign.wait_for_acknowledged(30)
        second.thaw()
        second.wait_until_serving()
        campaign.join(second)
        campaign.wait_for_acknowledged(30)
        return campaign.report(f"taken over {broken}".strip(), faults=2, takeovers=1)


def test_a_server_that_was_taken_over_does_nothing_more(lab: Lab, shared_database: str) -> None:
    assert lab.violations(taken_over_with_a_claim_in_hand(lab, shared_database)) == []


def test_without_a_fence_it_would(lab: Lab, shared_database: str) -> None:
    report = taken_over_with_a_claim_in_hand(lab, shared_database, "without_fence")
    assert "S10" in {finding.name.split()[0] for finding in report.findings if finding.violations}
