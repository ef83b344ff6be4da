"""The producer SDK: query events to `rag.query-events`."""

import asyncio
import logging
import os
import threading
import time
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import KafkaException, Producer

from ragpulse.client.connection import DEFAULT_PREFIX, PREFIX_VARIABLE, Security, connection_from_environment
from ragpulse.client.encoding import encoded
from ragpulse.client.failures import Failures, OnError
from ragpulse.schemas.errors import BufferFullError, DeliveryError, InvalidEventError
from ragpulse.schemas.query_event import QueryEvent
from ragpulse.streams.topology import QUERY_EVENTS

_LOGGER: Final = logging.getLogger("ragpulse.client")
_LOGGER.addHandler(logging.NullHandler())
_BUFFER_KILOBYTES: Final = 131_072
_POLL_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 0.01
_ABANDONED_FLUSH_SECONDS: Final = 5.0


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
        connection = connection_from_environment(bootstrap_servers, security)
        prefix = os.environ.get(PREFIX_VARIABLE, DEFAULT_PREFIX) if topic_prefix is None else topic_prefix
        self._topic = QUERY_EVENTS.full_name(prefix)
        self._max_block_seconds = max_block_seconds
        self._failures = Failures(on_error)
        self._lock = threading.Lock()
        self._sent = 0
        self._refused = 0
        self._closed = False
        self._producer = Producer(
            {
                **connection.librdkafka_options(),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",  # as Java and aiokafka place keys
                "compression.type": "lz4",
                "linger.ms": 20,
                "delivery.timeout.ms": round(delivery_timeout_seconds * 1000),
                "queue.buffering.max.messages": buffer_events,
                "queue.buffering.max.kbytes": _BUFFER_KILOBYTES,
                "delivery.report.only.error": True,
                "on_delivery": self._failures.on_delivery,
                "error_cb": self._failures.on_connection_problem,
            },
            logger=_LOGGER,
        )
        stop = threading.Event()
        _start_polling(self._producer, stop)
        self._finalizer = weakref.finalize(self, _abandon, self._producer, stop)
        self._stop = stop

    def send(self, event: QueryEvent | Mapping[str, Any]) -> None:
        """Check an event and put it into the buffer; it is delivered in the background.

        Waits at most ``max_block_seconds``, and only while the buffer is full. In an event loop use `send_async`.

        Raises:
            InvalidEventError: the event breaks the contract; the text says where.
            BufferFullError: the buffer stayed full.
            DeliveryError: the client is closed, or can never deliver again.

        """
        event_id, value = self._encoded(event)
        deadline = time.monotonic() + self._max_block_seconds
        while not self._buffered(event_id, value):
            self._refuse_if_late(deadline)
            time.sleep(_RETRY_SECONDS)

    async def send_async(self, event: QueryEvent | Mapping[str, Any]) -> None:
        """Do as `send` does; while the buffer is full, other tasks run.

        Raises:
            InvalidEventError, BufferFullError, DeliveryError: see `send`.

        """
        event_id, value = self._encoded(event)
        deadline = time.monotonic() + self._max_block_seconds
        while not self._buffered(event_id, value):
            self._refuse_if_late(deadline)
            await asyncio.sleep(_RETRY_SECONDS)

    def flush(self, timeout_seconds: float | None = None) -> None:
        """Wait until every event sent so far is acknowledged or given up. None: ``delivery_timeout_seconds`` bound it.

        Raises:
            DeliveryError: events were given up since the last such error, or still wait after the timeout.

        """
        pending = self._producer.flush() if timeout_seconds is None else self._producer.flush(timeout_seconds)
        self._failures.raise_untold(pending)

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
        with self._lock:
            self._closed = True
        try:
            self.flush(timeout_seconds)
        finally:
            self._stop.set()
            self._finalizer.detach()
            self._producer.purge()

    @property
    def statistics(self) -> Statistics:
        """What became of the events so far."""
        with self._lock:
            sent, refused, pending, failed = self._sent, self._refused, len(self._producer), self._failures.total
        pending = min(pending, sent - failed)  # librdkafka also counts requests of its own
        return Statistics(sent, sent - failed - pending, failed, pending, refused)

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

    def _encoded(self, event: QueryEvent | Mapping[str, Any]) -> tuple[str, bytes]:
        try:
            return encoded(event, time.time_ns() // 1_000_000)
        except InvalidEventError:
            with self._lock:
                self._refused += 1
            raise

    def _buffered(self, event_id: str, value: bytes) -> bool:
        with self._lock:
            if self._closed:
                message = "The client is closed: make another one."
                raise DeliveryError(message)
            try:
                self._producer.produce(self._topic, value, event_id)
            except BufferError:
                return False
            except KafkaException as error:
                message = f"The client cannot deliver any more: {error.args[0].str()}."
                raise DeliveryError(message) from error
            self._sent += 1
            return True

    def _refuse_if_late(self, deadline: float) -> None:
        if time.monotonic() < deadline:
            return
        pending = len(self._producer)
        message = (
            f"The buffer stayed full for {self._max_block_seconds:g} s ({pending} events wait): "
            "the broker is too slow or away; send less, or again later."
        )
        raise BufferFullError(message, pending=pending)


def _start_polling(producer: Any, stop: threading.Event) -> None:
    threading.Thread(target=_poll, args=(producer, stop), name="ragpulse-client", daemon=True).start()


def _poll(producer: Any, stop: threading.Event) -> None:
    # Not a method: the thread must not keep an abandoned client alive.
    try:
        while not stop.is_set():
            producer.poll(_POLL_SECONDS)
    finally:
        if not stop.is_set():  # the caller's on_error raised: threading.excepthook shows it, reports go on
            _start_polling(producer, stop)


def _abandon(producer: Any, stop: threading.Event) -> None:
    stop.set()
    if len(producer):
        warnings.warn(
            "A ragpulse Client was not closed: its last events are being flushed.", ResourceWarning, stacklevel=2
        )
        producer.flush(_ABANDONED_FLUSH_SECONDS)
