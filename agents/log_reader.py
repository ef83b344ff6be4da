"""Bounded reads of a topic partition outside the consumer group: snapshots, the end of the audit chain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from ragpulse.schemas.errors import StuckError


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read: value and headers are bytes, None where absent."""

    offset: int
    timestamp_ms: int
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class LogReader:
    """Reads with librdkafka, blocking: call it in a thread. ``config`` is librdkafka's connection configuration."""

    config: Mapping[str, Any]
    deadline_seconds: float = 30.0

    def last(self, topic: str, partition: int, count: int) -> list[Record]:
        """Return up to ``count`` records before the end of the partition, oldest first.

        Raises:
            StuckError: the broker did not answer within the deadline.

        """
        with _consumer(self.config) as consumer:
            low, high = _bounds(consumer, topic, partition, self.deadline_seconds)
            return list(self._read(consumer, TopicPartition(topic, partition, max(low, high - count)), high))

    def range(self, topic: str, partition: int, first: int, end: int) -> list[Record]:
        """Return the records with offsets in [first, end) that are still in the log.

        Raises:
            StuckError: the broker did not answer within the deadline.

        """
        with _consumer(self.config) as consumer:
            low, high = _bounds(consumer, topic, partition, self.deadline_seconds)
            return list(self._read(consumer, TopicPartition(topic, partition, max(low, first)), min(high, end)))

    def _read(self, consumer: Any, start: TopicPartition, end: int) -> Iterator[Record]:
        if start.offset >= end:
            return
        consumer.assign([start])
        deadline = monotonic() + self.deadline_seconds
        while monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                if message.offset() >= end:
                    return
                headers = tuple((name, value or b"") for name, value in message.headers() or ())
                yield Record(message.offset(), message.timestamp()[1], message.value(), headers)
                if message.offset() == end - 1:
                    return
            elif message is not None and message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # librdkafka's public name for it
                return
        text = f"The broker did not hand out {start.topic}/{start.partition} up to offset {end} within {self.deadline_seconds:g} s."
        raise StuckError(text)


class _consumer:  # noqa: N801  # a context manager that reads as a function
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._consumer = Consumer(
            {
                **config,
                "group.id": "ragpulse-log-reader",  # required by librdkafka, never joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
            },
        )

    def __enter__(self) -> Any:
        return self._consumer

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


def _bounds(consumer: Any, topic: str, partition: int, timeout: float) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition, OFFSET_BEGINNING), timeout=timeout)
    return int(low), int(high)
