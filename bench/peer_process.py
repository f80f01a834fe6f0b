"""The process in which peers are measured, so that they and the bus cannot disturb each other.

``python -m bench.peer_process FOLDER POSTGRES_URL`` says which peers there are, and then answers lines of JSON such as
``[0, "drain", [1000]]``: the place of the peer, the method, its arguments.
"""

import json
import signal
import sys
from pathlib import Path

from bench.peers import Environment, peers


def main(folder: str, postgres_url: str) -> None:
    """Answer until the input ends or the process is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    environment = Environment(postgres_url=postgres_url, folder=Path(folder))
    found = peers(environment)
    known = [{"name": peer.name, "durable": peer.durable, "remark": peer.remark} for peer in found]
    # Whatever peers print must not look like an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    answers.write(json.dumps({"peers": known, "missing": environment.missing}) + "\n")
    answers.flush()
    for line in sys.stdin:
        place, method, arguments = json.loads(line)
        try:
            result = {"result": getattr(found[place], method)(*arguments)}
        except Exception as error:  # noqa: BLE001 - a peer that fails must not keep the others from being measured
            result = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(result) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
