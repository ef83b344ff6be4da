"""A bounded buffer in front of the broker: records go in, delivery happens in the background, failures come out."""

import asyncio
import logging
import threading
import time
import warnings
import weakref
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaException, Producer

from ragpulse.client.connection import Connection
from ragpulse.client.failures import Failures, OnError
from ragpulse.schemas.errors import BufferFullError, DeliveryError

_LOGGER: Final = logging.getLogger("ragpulse.client")
_LOGGER.addHandler(logging.NullHandler())
_BUFFER_KILOBYTES: Final = 131_072
_POLL_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 0.01
_ABANDONED_FLUSH_SECONDS: Final = 5.0


class Record(NamedTuple):
    """What is written."""

    topic: str
    value: bytes | None
    key: str | bytes | None
    headers: list[tuple[str, str | bytes | None]] | None = None


class BufferedProducer:
    """An idempotent librdkafka producer with its own polling thread. Thread-safe."""

    def __init__(
        self, connection: Connection, *, on_error: OnError | None, delivery_timeout_seconds: float, buffer_records: int
    ) -> None:
        self._failures = Failures(on_error)
        self._lock = threading.Lock()
        self._taken = 0
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
                "queue.buffering.max.messages": buffer_records,
                "queue.buffering.max.kbytes": _BUFFER_KILOBYTES,
                "message.max.bytes": 2_097_152,
                "delivery.report.only.error": True,
                "on_delivery": self._failures.on_delivery,
                "error_cb": self._failures.on_connection_problem,
            },
            logger=_LOGGER,
        )
        self._stop = threading.Event()
        _start_polling(self._producer, self._stop)
        self._finalizer = weakref.finalize(self, _abandon, self._producer, self._stop)

    def put(self, record: Record, max_block_seconds: float) -> None:
        """Put a record into the buffer; wait at most that long while it is full.

        Raises:
            BufferFullError: it stayed full.
            DeliveryError: closed, or can never deliver again.

        """
        deadline = time.monotonic() + max_block_seconds
        while not self._take(record):
            self._refuse_if_late(deadline, max_block_seconds)
            time.sleep(_RETRY_SECONDS)

    async def put_async(self, record: Record, max_block_seconds: float) -> None:
        """Do as `put` does; while the buffer is full, other tasks run.

        Raises:
            BufferFullError, DeliveryError: see `put`.

        """
        deadline = time.monotonic() + max_block_seconds
        while not self._take(record):
            self._refuse_if_late(deadline, max_block_seconds)
            await asyncio.sleep(_RETRY_SECONDS)

    def flush(self, timeout_seconds: float | None) -> None:
        """Wait until all is acknowledged or given up; None: as long as that takes.

        Raises:
            DeliveryError: records were given up since the last such error, or still wait after the timeout.

        """
        pending = self._producer.flush() if timeout_seconds is None else self._producer.flush(timeout_seconds)
        self._failures.raise_untold(pending)

    def close(self, timeout_seconds: float | None) -> None:
        """Flush and end; what still waits after the timeout is given up. May be called twice.

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

    def counts(self) -> tuple[int, int, int]:
        """Return how many records were taken, were given up, and still wait."""
        with self._lock:
            taken, failed, pending = self._taken, self._failures.total, len(self._producer)
        return taken, failed, min(pending, taken - failed)  # librdkafka also counts requests of its own

    def _take(self, record: Record) -> bool:
        with self._lock:
            if self._closed:
                message = "The client is closed: make another one."
                raise DeliveryError(message)
            try:
                self._producer.produce(record.topic, record.value, record.key, headers=record.headers)
            except BufferError:
                return False
            except KafkaException as error:
                message = f"The client cannot deliver any more: {error.args[0].str()}."
                raise DeliveryError(message) from error
            self._taken += 1
            return True

    def _refuse_if_late(self, deadline: float, max_block_seconds: float) -> None:
        if time.monotonic() < deadline:
            return
        _, _, pending = self.counts()
        message = (
            f"The buffer stayed full for {max_block_seconds:g} s ({pending} events wait): "
            "the broker is too slow or away; send less, or again later."
        )
        raise BufferFullError(message, pending=pending)


def _start_polling(producer: Any, stop: threading.Event) -> None:
    threading.Thread(target=_poll, args=(producer, stop), name="ragpulse-client", daemon=True).start()


def _poll(producer: Any, stop: threading.Event) -> None:
    # Not a method: the thread must not keep an abandoned producer alive.
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
