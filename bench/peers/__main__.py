"""The figures of the peers whose names hold a word, without the bus: ``python -m bench.peers WORD [POSTGRES_URL]``."""

import sys
import tempfile
from pathlib import Path

import bench.peers

_ONE_BY_ONE, _BULK, _DRAIN = 1_000, 10_000, 2_000
_PER_SECOND, _LATENCY = 100, 300


def main(word: str, postgres_url: str = "") -> None:
    """Print a line for each figure; latencies are the median and the 99th percentile, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        environment = bench.peers.Environment(postgres_url, Path(folder))
        for peer in bench.peers.peers(environment):
            if word.casefold() not in peer.name.casefold():
                continue
            _say(peer.name, f"{'durable' if peer.durable else 'NOT durable'}; {peer.remark}")
            _say("one by one", f"{peer.one_by_one(_ONE_BY_ONE):,.0f}")
            bulk = peer.bulk(_BULK)
            _say("bulk", "-" if bulk is None else f"{bulk:,.0f}")
            _say("drain", f"{peer.drain(_DRAIN):,.0f}")
            taken = sorted(peer.latency(_PER_SECOND, _LATENCY))
            middle, late = taken[len(taken) // 2], taken[len(taken) * 99 // 100]
            _say("latency", f"{middle * 1000:.1f} - {late * 1000:.1f}")
    for name, reason in environment.missing.items():
        _say(name, reason)


def _say(what: str, value: str) -> None:
    sys.stdout.write(f"{what}: {value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
