"""Reads a topic as a subscriber does: all partitions assigned, no group joined, nothing committed."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ragpulse.agents.broker_admin import BrokerAdmin
from ragpulse.agents.kafka_config import LIBRDKAFKA_LOGGER, connection
from ragpulse.agents.settings import Settings
from ragpulse.schemas.errors import BrokerUnavailableError, ConfigurationError
from ragpulse.streams.topology import Topic

_TIMEOUT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2  # also how soon Ctrl-C is noticed
_SILENCE_SECONDS: Final = 30.0
_FIRST_RECORD_SECONDS: Final = 3.0
_BATCH: Final = 500

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Extent:
    """What a partition holds at one moment: [first, end)."""

    partition: int
    first: int
    end: int


class RecordReader:
    """One topic, read by assignment. Use it as a context manager.

    ``group``: whose committed offsets are asked for; the reader neither joins it nor commits.

    Raises:
        BrokerUnavailableError, CredentialsError: see `ragpulse.agents.broker_admin.BrokerAdmin`.
        ConfigurationError: the topic is missing.

    """

    def __init__(self, settings: Settings, topic: Topic, group: str = "reader") -> None:
        self._name = topic.full_name(settings.topic_prefix)
        target = connection(settings)
        found = BrokerAdmin(target).topic_facts([self._name])
        if self._name not in found:
            message = f"Topic {self._name} is missing: run `ragpulse topics create`."
            raise ConfigurationError(message)
        self._partitions = range(found[self._name].partitions)
        self._consumer = Consumer(
            {
                **target.librdkafka_options(),
                "group.id": f"{settings.topic_prefix}{group}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 50,
                "enable.partition.eof": True,
            },
            logger=LIBRDKAFKA_LOGGER,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def extents(self) -> list[Extent]:
        """Return what each partition holds now.

        Raises:
            BrokerUnavailableError: no answer within the deadline.

        """
        return [Extent(partition, *self._watermarks(partition)) for partition in self._partitions]

    def up_to_now(self) -> Iterator[Message]:
        """Yield what the topic holds now, in the order of each partition's offsets, and end.

        Raises:
            BrokerUnavailableError: nothing came for too long.

        """
        held = {extent.partition: extent for extent in self.extents() if extent.first < extent.end}
        self._assign((extent.partition, extent.first) for extent in held.values())
        heard = time.monotonic()
        while held:
            for message in self._consumer.consume(_BATCH, _POLL_SECONDS):
                heard = time.monotonic()
                extent = held.get(message.partition() or 0)
                if extent is None:
                    continue
                if message.error() is None and _offset(message) < extent.end:
                    yield message
                # A partition may end in what is no record, such as a transaction's marker: then its end is told.
                if _is_end(message) or _offset(message) >= extent.end - 1:
                    del held[extent.partition]
            self._refuse_silence(heard)

    def follow(self, *, from_beginning: bool, timeout_seconds: float | None) -> Iterator[Message]:
        """Yield records as they come, until the timeout (None: for ever)."""
        extents = self.extents()
        self._assign((extent.partition, extent.first if from_beginning else extent.end) for extent in extents)
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while deadline is None or time.monotonic() < deadline:
            for message in self._consumer.consume(_BATCH, _POLL_SECONDS):
                if message.error() is None:
                    yield message

    def written_at_ms(self, offsets: Mapping[int, int]) -> dict[int, int]:
        """Return the timestamp of the first record at or after an offset, by partition; where none comes soon, none."""
        self._assign(offsets.items())
        found: dict[int, int] = {}
        deadline = time.monotonic() + _FIRST_RECORD_SECONDS
        while len(found) < len(offsets) and time.monotonic() < deadline:
            for message in self._consumer.consume(1, _POLL_SECONDS):
                partition, (_, timestamp_ms) = message.partition(), message.timestamp()
                if message.error() is None and partition is not None and partition not in found:
                    found[partition] = timestamp_ms
                    self._consumer.incremental_unassign([self._at(partition)])
        return found

    def committed(self) -> dict[int, int]:
        """Return the offsets that the group has committed, by partition.

        Not by `AdminClient.list_consumer_group_offsets`: on a broker whose group coordinator is still loading, that one
        ended the process with a segmentation fault in 2 of 10 runs (confluent-kafka 2.16.1).

        Raises:
            BrokerUnavailableError: no answer within the deadline.

        """
        parts = [self._at(partition) for partition in self._partitions]
        found = self._answered(lambda: self._consumer.committed(parts, _TIMEOUT_SECONDS))
        return {part.partition: part.offset for part in found if part.offset >= 0}

    def _refuse_silence(self, heard: float) -> None:
        if time.monotonic() - heard > _SILENCE_SECONDS:
            message = f"Nothing came of {self._name} for {_SILENCE_SECONDS:.0f} s: does the broker still run?"
            raise BrokerUnavailableError(message)

    def _assign(self, starts: Iterable[tuple[int, int]]) -> None:
        self._consumer.assign([self._at(partition, offset) for partition, offset in starts])

    def _at(self, partition: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._name, partition, offset)

    def _watermarks(self, partition: int) -> tuple[int, int]:
        at = self._at(partition)
        return self._answered(lambda: self._consumer.get_watermark_offsets(at, _TIMEOUT_SECONDS))

    def _answered(self, ask: Callable[[], _Answer]) -> _Answer:
        """Ask again while the broker has an excuse: partitions and coordinators need a moment after they are made."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            try:
                return ask()
            except KafkaException as error:
                if time.monotonic() >= deadline:
                    cause = error.args[0].str()
                    message = f"The broker does not tell how {self._name} stands ({cause}): is it overloaded?"
                    raise BrokerUnavailableError(message) from error
            time.sleep(_POLL_SECONDS)


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - a public name


def _offset(message: Message) -> int:
    offset = message.offset()
    return -1 if offset is None else offset
