"""The Faust app that every role runs in, and its settings.

An app is run with ``await app.start()``. The command ``faust worker`` turns ``web_enabled`` on whatever is set here: it
would bind port 6066 on all interfaces and show tables to everybody.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import faust
from faust.types import TP

from ragpulse.agents.record_batch import BatchSchema

PRODUCER_MAX_REQUEST_BYTES: Final = 4 << 20
"""Above the largest record that ragpulse writes: a rejected record with its payload, 2 MiB."""
_HEARTBEATS_IN_SESSION: Final = 5


class BatchApp(faust.App):
    """An app on the batch transport. See ragpulse.agents.batch_transport for when it calls these two."""

    on_assigned_before_read: Callable[[set[TP], int], Awaitable[None]] | None = None
    on_revoked_at_once: Callable[[set[TP]], None] | None = None

    def _create_directories(self) -> None:
        """Make none: Faust would leave ``<id>-data`` in the working directory, which may not even be writable."""


def recommended_conf(
    *, session_timeout: float = 10.0, request_timeout: float = 30.0, stream_buffer: int = 2
) -> dict[str, Any]:
    """Return keyword arguments for `faust.App`; times are in seconds.

    ``stream_buffer`` counts batches: Faust's 4,096 would hold gigabytes.
    """
    return {
        "autodiscover": False,  # a module that fails to import is only a warning to it
        "agent_supervisor": "mode.CrashingSupervisor",  # Faust's own starts the agent again, behind the batch it failed on
        "schema": BatchSchema,
        "key_serializer": "raw",
        "value_serializer": "raw",
        "store": "memory://",
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
        "worker_redirect_stdouts": False,
        "broker_session_timeout": session_timeout,
        "broker_heartbeat_interval": session_timeout / _HEARTBEATS_IN_SESSION,
        "broker_request_timeout": max(request_timeout, session_timeout),  # Faust refuses less
        "broker_rebalance_timeout": max(30.0, session_timeout),
        "broker_max_poll_interval": 300.0,
        "broker_commit_interval": 1.0,
        "broker_commit_every": None,
        "consumer_auto_offset_reset": "earliest",
        "stream_buffer_maxsize": stream_buffer,
        "stream_wait_empty": False,
        "stream_publish_on_commit": False,
        "stream_recovery_delay": 0.0,
        "producer_acks": -1,
        "producer_linger": 0.005,
        "producer_request_timeout": request_timeout,  # Faust: 20 minutes
        "producer_max_request_size": PRODUCER_MAX_REQUEST_BYTES,
    }
