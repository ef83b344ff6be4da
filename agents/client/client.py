"""The producer SDK: query events to `rag.query-events`."""

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ragpulse.client.buffered_producer import BufferedProducer, Record
from ragpulse.client.connection import DEFAULT_PREFIX, PREFIX_VARIABLE, Security, connection_from_environment
from ragpulse.client.encoding import encoded
from ragpulse.client.failures import OnError
from ragpulse.schemas.errors import InvalidEventError
from ragpulse.schemas.query_event import QueryEvent
from ragpulse.streams.topology import QUERY_EVENTS


@dataclass(frozen=True, slots=True)
class Statistics:
    """What became of the events handed to a client. ``sent`` = ``delivered`` + ``failed`` + ``pending``."""

    sent: int  # taken into the buffer
    delivered: int  # acknowledged by all in-sync replicas
    failed: int  # given up
    pending: int  # in the buffer or on the way
    refused: int  # broke the contract: never sent


class Client:
    """Sends query events in the background. Thread-safe; make one a process (after a fork) and close it at the end.

    An event is retried until it is acknowledged by all in-sync replicas or ``delivery_timeout_seconds`` are over, and
    written once by each `send` (idempotent producer). Its record is keyed by ``event_id``: if your program sends an
    event again under its id, both meet in one partition and count once.

    Args:
        bootstrap_servers: ``host:port``, comma-separated. None: ``RAGPULSE_KAFKA__BOOTSTRAP_SERVERS``, else the
            embedded broker of the state directory.
        security: how to be let in. None: ``RAGPULSE_KAFKA__SECURITY_PROTOCOL`` and its companions.
        topic_prefix: None: ``RAGPULSE_TOPIC_PREFIX``, else ``rag.``.
        on_error: is called, in another thread, with each event that was given up. Keep it short; an exception in it
            goes to `threading.excepthook`.
        max_block_seconds: how long `send` may wait for room in a full buffer; 0: never.
        delivery_timeout_seconds: when to give up an event.
        buffer_events: how many events may wait (and at most 128 MB).

    Raises:
        BrokerUnavailableError: no broker is named anywhere. (One that does not answer shows as `DeliveryError`.)
        ConfigurationError: security settings that do not fit together.

    """

    def __init__(  # noqa: PLR0913 - keywords with defaults
        self,
        bootstrap_servers: str | None = None,
        *,
        security: Security | None = None,
        topic_prefix: str | None = None,
        on_error: OnError | None = None,
        max_block_seconds: float = 5.0,
        delivery_timeout_seconds: float = 120.0,
        buffer_events: int = 100_000,
    ) -> None:
        prefix = os.environ.get(PREFIX_VARIABLE, DEFAULT_PREFIX) if topic_prefix is None else topic_prefix
        self._topic = QUERY_EVENTS.full_name(prefix)
        self._max_block_seconds = max_block_seconds
        self._refused = 0
        self._refusing = threading.Lock()
        self._producer = BufferedProducer(
            connection_from_environment(bootstrap_servers, security),
            on_error=on_error,
            delivery_timeout_seconds=delivery_timeout_seconds,
            buffer_records=buffer_events,
        )

    def send(self, event: QueryEvent | Mapping[str, Any]) -> None:
        """Check an event and put it into the buffer; it is delivered in the background.

        Waits at most ``max_block_seconds``, and only while the buffer is full. In an event loop use `send_async`.

        Raises:
            InvalidEventError: the event breaks the contract; the text says where.
            BufferFullError: the buffer stayed full.
            DeliveryError: the client is closed, or can never deliver again.

        """
        self._producer.put(self._record(event), self._max_block_seconds)

    async def send_async(self, event: QueryEvent | Mapping[str, Any]) -> None:
        """Do as `send` does; while the buffer is full, other tasks run.

        Raises:
            InvalidEventError, BufferFullError, DeliveryError: see `send`.

        """
        await self._producer.put_async(self._record(event), self._max_block_seconds)

    def flush(self, timeout_seconds: float | None = None) -> None:
        """Wait until every event sent so far is acknowledged or given up. None: ``delivery_timeout_seconds`` bound it.

        Raises:
            DeliveryError: events were given up since the last such error, or still wait after the timeout.

        """
        self._producer.flush(timeout_seconds)

    async def flush_async(self, timeout_seconds: float | None = None) -> None:
        """Do as `flush` does, in a thread.

        Raises:
            DeliveryError: see `flush`.

        """
        await asyncio.to_thread(self.flush, timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Flush and end. What still waits after the timeout is given up. May be called twice.

        Raises:
            DeliveryError: see `flush`.

        """
        self._producer.close(timeout_seconds)

    @property
    def statistics(self) -> Statistics:
        """What became of the events so far."""
        sent, failed, pending = self._producer.counts()
        return Statistics(sent, sent - failed - pending, failed, pending, self._refused)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def _record(self, event: QueryEvent | Mapping[str, Any]) -> Record:
        try:
            event_id, value = encoded(event, time.time_ns() // 1_000_000)
        except InvalidEventError:
            with self._refusing:
                self._refused += 1
            raise
        return Record(self._topic, value, event_id)
