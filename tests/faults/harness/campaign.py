"""Servers under load while something breaks them, and the verdict on what they did."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from faults.checker.checks import CHECKS
from faults.checker.evidence import Evidence
from faults.checker.loading import load
from faults.checker.verdict import examine
from faults.harness.caller import Caller
from faults.harness.notebook import Notebook
from faults.harness.operator import Operator
from faults.harness.recovery import recoveries
from faults.harness.report import CampaignReport
from faults.harness.server import ServerProcess
from faults.harness.watcher import Watcher
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from integrationbus.client import BusError, Client, Connector, ConnectorState, Replica

__all__ = ["Campaign"]

_LOOK_SECONDS = 0.1
_SERVER_SECONDS = 60.0


class Campaign:
    """Callers, watchers and an operator, at work on servers that share one database.

    The servers are running when the block is entered; a nemesis may do with them what it likes. ``report`` ends the
    load, waits until nothing is left to do, stops the servers in order and has everything checked.
    """

    def __init__(
        self,
        folder: Path,
        servers: Sequence[ServerProcess],
        seed: str,
        *,
        callers: int = 3,
        watchers: int = 2,
        calls: int | None = None,
        connectors: Sequence[str] = ("left", "right"),
    ) -> None:
        self.servers = list(servers)
        self.seed = seed
        self._history = Notebook(folder / "history.jsonl")
        self._watches = Notebook(folder / "watches.jsonl")
        addresses = [server.address for server in servers]
        self.callers = [
            Caller(n, addresses, self._history, seed, connectors=connectors, limit=calls) for n in range(1, callers + 1)
        ]
        self.watchers = [
            Watcher(n, addresses[(n - 1) % len(addresses)], self._watches, seed) for n in range(1, watchers + 1)
        ]
        self._operator = Operator(addresses, seed)
        self._client = Client(addresses[0], application="harness", timeout=10.0)
        self._ended = False

    def __enter__(self) -> Self:
        for watcher in self.watchers:
            watcher.start()
        for caller in self.callers:
            caller.start()
        self._operator.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not self._ended:
            for caller in self.callers:
                caller.give_up()
            for watcher in self.watchers:
                watcher.give_up()
            self._operator.stop()
        self._client.close()
        self._history.close()
        self._watches.close()

    def join(self, server: ServerProcess) -> None:
        """Stop another server at the end as well."""
        self.servers.append(server)

    @property
    def acknowledged(self) -> int:
        """How many tasks the callers know to be stored."""
        return sum(caller.acknowledged for caller in self.callers)

    @property
    def refused(self) -> int:
        """How many calls have failed, for whatever reason."""
        return sum(caller.repeated for caller in self.callers)

    def wait_for_acknowledged(self, more: int, seconds: float = 60.0) -> None:
        """Wait until that many more tasks are stored. Raises TimeoutError."""
        goal = self.acknowledged + more
        self._wait(lambda: self.acknowledged >= goal, f"{goal} tasks stored", seconds)

    def wait_for_processed(self, more: int, server: ServerProcess, seconds: float = 60.0) -> None:
        """Wait until that many more tasks have come through, as one of the servers sees it. Raises TimeoutError."""
        with Client(server.address, application="harness", timeout=10.0) as client:
            seen: list[int] = []

            def is_so() -> bool:
                seen.append(_succeeded(client.list_connectors()))
                return seen[-1] >= seen[0] + more

            self._wait(is_so, f"{more} tasks processed", seconds)

    def wait_until_held_by(self, server: ServerProcess, seconds: float = 60.0) -> None:
        """Wait until one of the servers processes all connectors, as it says itself. Raises TimeoutError."""
        with Client(server.address, application="harness", timeout=10.0) as client:
            self._wait(lambda: _holds_all(client.list_replicas()), "one server that processes all", seconds)

    def wait_for_file(self, path: Path, seconds: float = 60.0) -> None:
        """Wait until something that was broken says so by a file. Raises TimeoutError."""
        self._wait(path.exists, f"the file {path.name}", seconds)

    def wait_for_health(self, status: int, seconds: float = 60.0) -> None:
        """Wait until the first server tells balancers so. Raises TimeoutError."""
        with grpc.insecure_channel(self.servers[0].address) as channel:
            health: Any = HealthStub(channel)
            self._wait(lambda: health.Check(HealthCheckRequest()).status == status, "another health", seconds)

    def wait_for_refusals(self, more: int, seconds: float = 60.0) -> None:
        """Wait until that many more calls have failed. Raises TimeoutError."""
        goal = self.refused + more
        self._wait(lambda: self.refused >= goal, f"{goal} calls refused", seconds)

    def be_refused(self, trouble: Callable[[], AbstractContextManager[object]], rounds: int, *, readable: bool) -> None:
        """Have calls refused by some trouble again and again, and be served in between. Raises TimeoutError.

        ``readable`` is whether what only reads must be answered meanwhile.
        """
        for _ in range(rounds):
            self.wait_for_acknowledged(40)
            with trouble():
                self.wait_for_refusals(3)
                assert not readable or self.is_readable()
        self.wait_for_acknowledged(40)

    def wait_for_watchers(self, seconds: float = 60.0) -> None:
        """Wait until every watcher is connected and has received something more. Raises TimeoutError."""
        before = [watcher.received for watcher in self.watchers]
        self._wait(
            lambda: all(now.received > then for now, then in zip(self.watchers, before, strict=True)),
            "watchers",
            seconds,
        )

    def is_readable(self) -> bool:
        """Whether the first server answers what only reads. Raises a BusError if it does not."""
        return bool(self._client.list_connectors())

    def wait_until_idle(self, seconds: float = 120.0, *, waking: bool = False) -> None:
        """Wait until nothing is left to do, asking for runs all the time if told to. Raises TimeoutError."""

        def is_idle() -> bool:
            if waking:
                self._client.request_tasks_processing()
            return self._is_idle(self._client.list_connectors())

        self._wait(is_idle, "an end of all work", seconds)

    def wake(self) -> None:
        """Make every connector look at its line now. Raises TimeoutError."""
        self._wait(lambda: bool(self._client.request_tasks_processing()), "a server", _SERVER_SECONDS)

    def resume(self, *connectors: str) -> None:
        """Release connectors that were paused. Raises TimeoutError."""
        for name in connectors:
            self._wait(partial(self._is_resumed, name), "a server", _SERVER_SECONDS)

    def settle(self, seconds: float = 120.0) -> None:
        """Let the callers come to an end, all tasks be processed and the watchers see it. Raises TimeoutError."""
        for caller in self.callers:
            caller.stop(seconds)
        self.wait_until_idle(seconds)
        # A run that was interrupted may be put off, and would try again what was skipped just when the servers stop.
        self.wake()
        self.wait_until_idle(seconds)
        self._operator.stop()
        ends = self._ends()
        for watcher in self.watchers:
            watcher.finish(ends)
        self._ended = True

    def report(
        self, name: str, *, faults: int, kills: int = 0, takeovers: int = 0, since: Sequence[float] = ()
    ) -> CampaignReport:
        """Settle, stop the servers in order, and have everything checked. Raises TimeoutError.

        How soon work went on is counted from the restarts of the first server, or from the moments ``since``.
        """
        self.settle()
        codes = [server.stop() for server in self.servers]
        assert codes == [0] * len(codes), f"the servers ended with {codes}"
        evidence = self.evidence()
        return CampaignReport(
            name=f"{name}, {self.servers[0].database_url.partition(':')[0]}",
            seed=self.seed,
            faults=faults,
            kills=kills,
            takeovers=takeovers,
            acknowledged=self.acknowledged,
            findings=examine(evidence, CHECKS),
            recovery_seconds=recoveries(evidence, since or self.servers[0].served_at),
        )

    def evidence(self) -> Evidence:
        """Everything that is known; no server may be running."""
        return load(self.servers[0].database_url, self._history.path, self._watches.path)

    def _ends(self) -> Mapping[str, int]:
        """How far the feeds have come."""
        with self._client.watch() as watch:
            token = watch.resume_token
        assert token is not None
        return token.positions

    def _wait(self, is_so: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with suppress(BusError):
                if is_so():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"seed {self.seed}: waited {seconds} seconds in vain for {what}{self._state()}")
            time.sleep(_LOOK_SECONDS)

    def _is_resumed(self, connector: str) -> bool:
        return self._client.resume_connector(connector).connector.state is not ConnectorState.PAUSED

    def _state(self) -> str:
        """How the connectors stand, for people."""
        try:
            connectors = self._client.list_connectors()
        except BusError as error:
            return f": {error}"
        return "".join(f"\n{each.name} is {each.state.name}, with {each.counts}" for each in connectors)

    @staticmethod
    def _is_idle(connectors: Sequence[Connector]) -> bool:
        return all(
            each.state is ConnectorState.IDLE
            and not (each.counts.pending or each.counts.running or each.counts.retry_wait)
            for each in connectors
        )


def _holds_all(replicas: Sequence[Replica]) -> bool:
    return any(each.answers and each.processes and set(each.processes) == set(each.connectors) for each in replicas)


def _succeeded(connectors: Sequence[Connector]) -> int:
    return sum(each.counts.succeeded for each in connectors)
