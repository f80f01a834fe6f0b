"""Servers that are broken on purpose, as servers are broken by mistake: the checker finds out each time."""

import random
import signal

import pytest
from faults.harness.broken_server import BROKEN, MODULE
from faults.harness.campaign import Campaign
from faults.harness.disk import Disk
from faults.harness.lab import Lab

from integrationbus.server import failpoints


def found(campaign: Campaign) -> set[str]:
    """The promises that the checker says are broken."""
    report = campaign.report("broken on purpose", faults=1)
    return {finding.name.split()[0] for finding in report.findings if finding.violations}


def test_answers_before_the_commit_are_found(lab: Lab) -> None:
    server = lab.server(lab.sqlite_url, module=MODULE)
    broken = {BROKEN: "with_early_answers,with_holes_in_the_feed"}
    server.start({**broken, failpoints.VARIABLE: "append.before_commit=kill@5"})
    with lab.campaign(server, callers=1, watchers=1, calls=12) as campaign:
        assert server.wait() == -signal.SIGKILL
        server.start(broken)
        campaign.callers[0].join()
        # What was stored late was announced before it was there.
        campaign.wake()
        assert {"S1", "S12"} <= found(campaign)


@pytest.mark.faults
def test_a_wrong_cursor_is_found(lab: Lab) -> None:
    server = lab.server(lab.sqlite_url, module=MODULE)
    server.start({BROKEN: "with_a_wrong_cursor"})
    with lab.campaign(server, callers=1, watchers=1, calls=20) as campaign:
        campaign.callers[0].join()
        assert "S13" in found(campaign)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_lazy_syncs_are_found_by_a_power_cut(lab: Lab, disk: Disk) -> None:
    server = lab.server(lab.sqlite_url, module=MODULE)
    environment = {**disk.environment, BROKEN: "with_lazy_syncs"}
    server.start(environment)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    with lab.campaign(server, watchers=0) as campaign:
        for _ in range(3):
            campaign.wait_for_acknowledged(chance.randint(50, 200))
            server.kill()
            disk.cut_power()
            server.start(environment)
        assert "S1" in found(campaign)
