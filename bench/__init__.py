"""How fast the bus is on this machine, beside what limits it and what else there is: ``python -m bench``."""

import os

# What gRPC says about processes that are started beside its threads is of no use here.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
