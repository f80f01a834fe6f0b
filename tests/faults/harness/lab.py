"""What a test that breaks servers has at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.harness.campaign import Campaign
from faults.harness.report import CampaignReport
from faults.harness.server import ServerProcess

__all__ = ["Lab"]


@dataclass(kw_only=True)
class Lab:
    """A folder, a seed, and servers that end with the test. ``keep`` takes what is to be in the table at the end."""

    folder: Path
    seed: str
    keep: Callable[[CampaignReport], object]
    servers: list[ServerProcess] = field(default_factory=list)

    @property
    def sqlite_url(self) -> str:
        """A database file in the folder."""
        return f"sqlite:///{self.folder / 'bus.db'}"

    def server(self, database_url: str, *, module: str = "integrationbus.server.cli") -> ServerProcess:
        """A server, not started yet."""
        folder = self.folder / f"server{len(self.servers) + 1}"
        self.servers.append(ServerProcess(folder=folder, database_url=database_url, module=module))
        return self.servers[-1]

    def campaign(
        self,
        *servers: ServerProcess,
        callers: int = 3,
        watchers: int = 2,
        calls: int | None = None,
        connectors: Sequence[str] = ("left", "right"),
    ) -> Campaign:
        """Load on servers that were started; each caller makes so many calls, or goes on until the end."""
        return Campaign(
            self.folder, servers, self.seed, callers=callers, watchers=watchers, calls=calls, connectors=connectors
        )

    def violations(self, report: CampaignReport) -> Sequence[str]:
        """What the checker found; the report is kept for the table."""
        self.keep(report)
        return report.violations

    def close(self) -> None:
        """Leave no server behind."""
        for server in self.servers:
            server.discard()
