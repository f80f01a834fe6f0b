"""A clock that is wrong by an hour, this way and that, under load."""

import random
from dataclasses import replace

import pytest
from faults.harness.broken_server import BROKEN, CLOCK, MODULE
from faults.harness.lab import Lab

JUMPS = (3600, -3600, 0, -86_400, 5, -5, 3600)
LATER = 2 * 86_400
"""When everything is due that was put off."""


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_promises_do_not_hang_on_the_clock(lab: Lab) -> None:
    clock = lab.folder / "clock"
    clock.write_text("0")
    server = lab.server(lab.sqlite_url, module=MODULE)
    environment = {BROKEN: "with_a_jumping_clock", CLOCK: str(clock)}
    server.start(environment)
    chance = random.Random(lab.seed)  # noqa: S311 - to be repeatable
    with lab.campaign(server) as campaign:
        for number, jump in enumerate(JUMPS):
            campaign.wait_for_acknowledged(chance.randint(20, 60))
            clock.write_text(str(jump))
            if number % 3 == 2:
                server.kill()
                server.start(environment)
        clock.write_text(str(LATER))
        campaign.wake()
        report = campaign.report("clock that jumps", faults=len(JUMPS), kills=len(JUMPS) // 3)
    # By that clock nobody can say how long anything took.
    assert lab.violations(replace(report, recovery_seconds=())) == []
