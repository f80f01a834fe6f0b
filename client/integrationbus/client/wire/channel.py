"""How a client connects."""

import json

__all__ = ["CHANNEL_OPTIONS", "REPEATABLE", "metadata_of"]

# Calls that may be repeated without harm: reads, and those that carry a request id or join what is there already.
REPEATABLE = {
    "integrationbus.v1.TaskService": [
        "GetTask",
        "ListTaskAttempts",
        "ListTasks",
        "LogTask",
        "LogTasks",
        "PreviewTask",
    ],
    "integrationbus.v1.NotifyService": ["GetRun", "ListRuns", "RequestTasksProcessing"],
    "integrationbus.v1.ConnectorService": [
        "CheckConnector",
        "DescribeConnector",
        "DisableConnector",
        "EnableConnector",
        "GetConnector",
        "GetConnectorStats",
        "ListConnectors",
        "PauseConnector",
    ],
    "integrationbus.v1.ObjectService": ["GetObject", "ListObjects", "ResolveKeys"],
    "integrationbus.v1.EnumService": ["GetEnum", "ListEnums"],
    "integrationbus.v1.ServerService": ["GetServerInfo", "ListReplicas", "ListSwitches", "SetSwitch"],
}

_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": service, "method": method} for service, methods in REPEATABLE.items() for method in methods
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

CHANNEL_OPTIONS = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that was killed and started again is found within two seconds.
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
)

_MAX_APPLICATION_BYTES = 100


def metadata_of(application: str) -> tuple[tuple[str, str], ...]:
    """What every call of an application carries. Raises ValueError for a name that cannot travel."""
    if not (application.isascii() and application.isprintable() and 0 < len(application) <= _MAX_APPLICATION_BYTES):
        raise ValueError(f"application must be 1 to 100 printable ASCII characters, not {application!r}")
    return (("integrationbus-application", application),)
