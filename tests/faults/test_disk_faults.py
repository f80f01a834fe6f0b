"""Disks that fail, are full, or lose their power, below a server with a SQLite file."""

import random
import signal

import pytest
from faults.harness.disk import Disk
from faults.harness.lab import Lab

DATABASE_BROKE = 74


def failing_syncs(lab: Lab, disk: Disk, rounds: int) -> None:
    """Let syncs fail under load: each ends the server, with nothing lost for its callers."""
    server = lab.server(lab.sqlite_url)
    server.start(disk.environment)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    with lab.campaign(server) as campaign:
        ends = []
        for _ in range(rounds):
            campaign.wait_for_acknowledged(chance.randint(20, 80))
            disk.fail_next_sync()
            ends.append(server.wait())
            server.start(disk.environment)
        report = campaign.report("syncs that fail", faults=rounds)
    assert lab.violations(report) == []
    assert ends == [DATABASE_BROKE] * rounds
    assert any(call.reason == "OUTCOME_UNKNOWN" for call in campaign.evidence().calls)
    assert "the disk of the database failed" in server.log.read_text()


def test_a_server_ends_when_a_sync_fails_and_the_next_one_goes_on(lab: Lab, disk: Disk) -> None:
    failing_syncs(lab, disk, 1)


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_syncs_that_fail_again_and_again(lab: Lab, disk: Disk) -> None:
    failing_syncs(lab, disk, 10)


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
        for _ in range(rounds):
            campaign.wait_for_acknowledged(40)
            with disk.full():
                campaign.wait_for_refusals(3)
                assert campaign.is_readable()
            campaign.wait_for_acknowledged(40)
        assert lab.violations(campaign.report("full disk", faults=rounds)) == []
    assert server.exit_code == 0
    assert len(server.served_at) == 1
