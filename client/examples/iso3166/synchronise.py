"""The producer at work, and its tasks followed until the last one is settled."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from tally import Tally

from integrationbus.client import AsyncBusClient, ResumeToken, TaskState

__all__ = ["ProducerFailed", "synchronise"]

_PRODUCER = Path(__file__).with_name("producer.py")
_STALLED_SECONDS = 60
_STATES = (TaskState.PENDING, TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.DELETED)
