"""Disks that fail, are full, or lose their power, below a server with a SQLite file."""

import random
import signal
from contextlib import suppress
from subprocess import TimeoutExpired

import pytest
from faults.harness.disk import Disk
from faults.harness.lab import Lab
from faults.harness.server import ServerProcess

from integrationbus.client import Client

DATABASE_BROKE = 74


def test_a_server_ends_when_a_commit_fails_on_the_disk_and_the_next_one_goes_on(lab: Lab, disk: Disk) -> None:
    server = lab.server(lab.sqlite_url)
    server.start(disk.environment)
    with Client(server.address, application="tests") as client:
        for name in ("left", "right"):
            client.pause_connector(name)  # so that nothing but the calls is synced
        with lab.campaign(server, callers=1, watchers=1) as campaign:
            campaign.wait_for_acknowledged(5)
            disk.fail_next_sync()
            assert server.wait() == DATABASE_BROKE
            server.start()
            campaign.resume("left", "right")
            assert lab.violations(campaign.report("a commit that fails on the disk", faults=1)) == []
    calls = campaign.evidence().calls
    assert "OUTCOME_UNKNOWN" in [call.reason for call in calls]
    assert "the disk of the database failed" in server.log.read_text()


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_syncs_that_fail_again_and_again(lab: Lab, disk: Disk) -> None:
    server = lab.server(lab.sqlite_url)
    server.start(disk.environment)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    rounds = 10
    with lab.campaign(server) as campaign:
        for _ in range(rounds):
            campaign.wait_for_acknowledged(chance.randint(20, 80))
            assert end_by_failing_syncs(server, disk) == DATABASE_BROKE
            server.start(disk.environment)
        assert lab.violations(campaign.report("syncs that fail", faults=rounds)) == []


def end_by_failing_syncs(server: ServerProcess, disk: Disk) -> int:
    """The exit code. A sync of a checkpoint may fail unnoticed: it is made again, and all is in the log until then."""
    while True:
        disk.fail_next_sync()
        with suppress(TimeoutExpired):
            return server.wait(5)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_power_cuts_take_nothing_that_was_acknowledged(lab: Lab, disk: Disk) -> None:
    server = lab.server(lab.sqlite_url)
    server.start(disk.environment)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    rounds = 15
    with lab.campaign(server, watchers=0) as campaign:
        for _ in range(rounds):
            campaign.wait_for_acknowledged(chance.randint(20, 200))
            assert server.kill() == -signal.SIGKILL
            disk.cut_power()
            server.start(disk.environment)
        assert lab.violations(campaign.report("power cuts", faults=rounds, kills=rounds)) == []


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_full_disk_takes_no_tasks_and_is_left_behind(lab: Lab, disk: Disk) -> None:
    server = lab.server(lab.sqlite_url)
    server.start(disk.environment)
    rounds = 5
    with lab.campaign(server) as campaign:
        campaign.be_refused(disk.full, rounds, readable=True)
        assert lab.violations(campaign.report("full disk", faults=rounds)) == []
    assert server.exit_code == 0
    assert len(server.served_at) == 1
