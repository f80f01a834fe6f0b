"""``python -m integrationbus.server.cli``."""

from integrationbus.server.cli import main

main()
