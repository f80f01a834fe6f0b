"""A server says which of the replicas it is, so that the list of them can be read."""

import json
import os
import subprocess
import sys

import pytest

from integrationbus.client import Client

COMMAND = [sys.executable, "-m", "integrationbus.server.cli", "serve", "--listen", "127.0.0.1:0"]


@pytest.mark.parametrize("form", ["--json", "text"])
def test_a_server_says_its_id_when_it_starts(form: str, postgres_url: str) -> None:
    environment = {**os.environ, "INTEGRATIONBUS_DATABASE_URL": postgres_url, "INTEGRATIONBUS_CONNECTORS": ""}
    words = [form] if form == "--json" else []
    with subprocess.Popen([*COMMAND, *words], env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        if words:
            event = json.loads(first)
            address, said = event["address"], event["replica"]
        else:
            address, said = first.split("serves on ")[1].split(",")[0], server.stdout.readline()
        try:
            with Client(address, application="tests") as client:
                [own] = [item.id for item in client.list_replicas() if item.answers]
        finally:
            server.terminate()
    assert own in said
    assert server.returncode == 0, "it stops in order, although nobody listens any more"
