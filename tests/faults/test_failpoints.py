"""A server that dies, or loses an answer, at any step of a task: nothing is lost, doubled or out of order."""

import signal
from collections.abc import Sequence

import pytest
from faults.harness.lab import Lab
from faults.harness.report import CampaignReport
from faults.harness.server import ServerDidNotStart, ServerProcess

from integrationbus.server import failpoints
from integrationbus.server.failpoints import FAILPOINTS


def times(failpoint: str) -> int:
    """The time at which it strikes; a connector is taken once by each process."""
    return 1 if failpoint.startswith("lease.") else 4


def killed_at(failpoint: str) -> dict[str, str]:
    return {failpoints.VARIABLE: f"{failpoint}=kill@{times(failpoint)}"}


def killed_one_after_another(lab: Lab, server: ServerProcess, names: Sequence[str]) -> CampaignReport:
    """Kill a server at each failpoint in turn, then let it come to an end."""
    server.start(killed_at(names[0]))
    with lab.campaign(server, callers=2, watchers=1) as campaign:
        for following in [*names[1:], ""]:
            assert server.wait() == -signal.SIGKILL
            server.start(killed_at(following) if following else None)
        return campaign.report(f"killed at {', '.join(names)}", faults=len(names), kills=len(names))


def test_a_server_that_dies_around_its_commits_keeps_its_promises(lab: Lab) -> None:
    server = lab.server(lab.sqlite_url)
    names = ("append.after_commit", "apply.after_write", "settle.after_commit")
    assert lab.violations(killed_one_after_another(lab, server, names)) == []


def test_answers_that_are_lost_are_found_again(lab: Lab) -> None:
    server = lab.server(lab.sqlite_url)
    server.start({failpoints.VARIABLE: ",".join(f"{name}=error@{times(name)}" for name in FAILPOINTS)})
    with lab.campaign(server, callers=2, watchers=1, calls=25) as campaign:
        for caller in campaign.callers:
            caller.join()
        # Run after run fails, and each waits longer than the one before.
        campaign.wait_until_idle(waking=True)
        assert lab.violations(campaign.report("lost answers", faults=len(FAILPOINTS))) == []
    calls = campaign.evidence().calls
    assert {call.reason for call in calls if call.outcome != "ok"} == {"OUTCOME_UNKNOWN"}
    assert any(call.duplicate for call in calls)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("append.sideways=kill", "there is no failpoint 'append.sideways'"),
        ("append.after_commit=explode", "cannot do 'explode'; it can kill, stop, error"),
        ("append.after_commit=kill@0", "needs a number from 1"),
    ],
)
def test_what_is_not_known_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        failpoints.arm(text)


@pytest.mark.faults
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", FAILPOINTS)
def test_a_server_may_die_at_any_failpoint(lab: Lab, database_url: str, name: str) -> None:
    assert lab.violations(killed_one_after_another(lab, lab.server(database_url), [name])) == []


@pytest.mark.faults
def test_a_server_with_an_unknown_failpoint_does_not_start(lab: Lab) -> None:
    with pytest.raises(ServerDidNotStart, match="there is no failpoint 'x'"):
        lab.server(lab.sqlite_url).start({failpoints.VARIABLE: "x=kill"})
