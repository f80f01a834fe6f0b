"""What a request may hold."""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What goes over is refused, and nothing of it is stored."""

    max_message_bytes: int = 4 * 1024 * 1024
    max_payload_bytes: int = 1024 * 1024
    max_tasks_per_call: int = 1_000
    max_record_depth: int = 32
    max_record_values: int = 10_000
