"""Settings of Faust that every role shares, and how to run an app without Faust's web server."""

import asyncio
from typing import Any, Final

import faust
from faust.app.base import BootStrategy

from ragpulse.agents.record_batch import BatchSchema

PRODUCER_MAX_REQUEST_BYTES: Final = 4 << 20
"""Above the largest record that ragpulse writes: a rejected record with its payload, 2 MiB."""
_HEARTBEATS_IN_SESSION: Final = 5


def recommended_conf(
    *, session_timeout: float = 10.0, request_timeout: float = 30.0, stream_buffer: int = 2
) -> dict[str, Any]:
    """Return keyword arguments for `faust.App`; times are in seconds.

    ``stream_buffer`` counts batches: Faust's 4,096 would hold gigabytes.
    """
    return {
        "autodiscover": False,  # a module that fails to import is only a warning to it
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


def headless_worker(app: Any, loop: asyncio.AbstractEventLoop, **options: Any) -> Any:
    """Return a Faust worker for ``app`` that serves no web pages; `execute_from_commandline` runs it until a signal.

    The command ``faust worker`` sets ``web_enabled`` to its own default, on: it then binds port 6066 on all interfaces and
    shows tables to everybody. So workers are started by this function only. The boot strategy says it once more.
    """
    app.boot_strategy = BootStrategy(app, enable_web=False)
    return faust.Worker(app, loop=loop, redirect_stdouts=False, **options)
