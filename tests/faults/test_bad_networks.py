"""Several servers, and a network that parts one of them from PostgreSQL, or is slow."""

import pytest
from faults.harness.bad_network import BadNetwork
from faults.harness.lab import Lab
from faults.harness.postgres import BreakablePostgres

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CLAIM = b"reason, occurred_at) FROM STDIN"
"""How the COPY of its changes ends; that of a batch that is settled has more columns."""
LAST_WORDS = ((), (CLAIM,), (CLAIM, b"COMMIT"))
"""What the network lets through last: whatever it is; half a claim, with the locks that go with it; and a whole one."""
SLOW_SECONDS = 0.01
"""Each way, at most, for each piece: a batch of a task takes a quarter of a second."""
LEASE = {"INTEGRATIONBUS_LEASE_SECONDS": "10"}


def test_a_server_that_is_parted_from_its_database_is_succeeded_and_does_nothing_more(
    lab: Lab, own_postgres: BreakablePostgres
) -> None:
    with BadNetwork(own_postgres.socket) as one, BadNetwork(own_postgres.socket) as other:
        networks = one, other
        servers = [lab.server(network.url_of(own_postgres)) for network in networks]
        for server in servers:
            server.start()
        with lab.campaign(*servers) as campaign:
            for number, words in enumerate(LAST_WORDS):
                campaign.wait_for_acknowledged(40)
                successor = servers[1 - number % 2]
                with networks[number % 2].parted(*words):
                    campaign.wait_until_held_by(successor)
                    campaign.wait_for_processed(20, successor)
            parted = len(LAST_WORDS)
            report = campaign.report("parted from the database", faults=parted, takeovers=parted)
            assert lab.violations(report) == []


def test_a_slow_network_takes_no_connector_from_its_holder(lab: Lab, own_postgres: BreakablePostgres) -> None:
    with BadNetwork(own_postgres.socket, lab.seed, SLOW_SECONDS) as network:
        servers = [lab.server(url) for url in (network.url_of(own_postgres), own_postgres.url)]
        for server in servers:
            server.start(LEASE)
        with lab.campaign(*servers, calls=12) as campaign:
            for caller in campaign.callers:
                caller.join()
            assert lab.violations(campaign.report("slow network", faults=1)) == []
    assert [server.log.read_text() for server in servers] == ["", ""]
