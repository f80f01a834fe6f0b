"""How fast the bus is on this machine, beside what limits it and what else there is: ``python -m bench``."""
