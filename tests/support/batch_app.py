"""An app on the batch transport that runs inside a test, and whose agent keeps what it reads."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from confluent_kafka import Producer
from faust.types import TP

from ragpulse.agents import batch_transport
from ragpulse.agents.faust_settings import BatchApp, recommended_conf
from ragpulse.agents.record_batch import BatchSchema, RecordBatch

SECONDS = 30.0
"""Bound of every wait: a group's first rebalance alone takes three."""


class Reader:
    """One member of a consumer group."""

    def __init__(self, bootstrap: str, group: str, *topics: str, **conf: Any) -> None:
        self.app = BatchApp(group, broker=f"batch://{bootstrap}", **{**recommended_conf(session_timeout=6.0), **conf})
        self.batches: list[RecordBatch] = []
        self.assignments: list[tuple[set[TP], int]] = []
        self.revocations: list[set[TP]] = []
        self.on_batch: Callable[[RecordBatch], Awaitable[None]] | None = None
        self.on_assigned: Callable[[set[TP], int], Awaitable[None]] | None = None
        self.app.on_assigned_before_read = self._assigned
        self.app.on_revoked_at_once = self.revocations.append
        for topic in topics:
            self.app.agent(self.app.topic(topic, schema=BatchSchema()), name=topic)(self._read)

    @property
    def consumer(self) -> batch_transport.Consumer:
        return self.app.consumer  # type: ignore[return-value]  # what batch:// makes

    async def _assigned(self, partitions: set[TP], epoch: int) -> None:
        self.assignments.append((partitions, epoch))
        if self.on_assigned is not None:
            await self.on_assigned(partitions, epoch)

    async def _read(self, stream: Any) -> None:
        async for batch in stream:
            self.batches.append(batch)
            if self.on_batch is not None:
                await self.on_batch(batch)

    def values(self, partition: int | None = None) -> list[bytes | None]:
        """Everything read so far."""
        return [value for batch in self.batches if partition in (None, batch.partition) for value in batch.values]

    def offsets(self, partition: int = 0) -> list[int]:
        return [offset for batch in self.batches if batch.partition == partition for offset in batch.offsets]

    def crash_reason(self) -> BaseException | None:
        """Why the app ends: Faust notes it with the app or with its consumer."""
        return self.app.crash_reason or self.consumer.crash_reason

    async def until_read(self, amount: int) -> None:
        await until(lambda: len(self.values()) >= amount)


@asynccontextmanager
async def running(*readers: Reader) -> AsyncIterator[None]:
    """Run apps until the block ends, then stop them as a worker would."""
    for reader in readers:
        await asyncio.wait_for(reader.app.start(), SECONDS)
    try:
        yield
    finally:
        for reader in readers:
            await asyncio.wait_for(reader.app.stop(), SECONDS)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, for a bounded time."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  # what a broker does sets no event
            await asyncio.sleep(0.02)


def produce(bootstrap: str, topic: str, values: Iterable[bytes | None], *, partition: int = 0, **options: str) -> None:
    """Write records and wait for their acknowledgement. ``options`` are librdkafka's, with _ for the dot."""
    settings = {name.replace("_", "."): value for name, value in options.items()}
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **settings})
    errors: list[object] = []
    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(SECONDS) == 0
    assert set(errors) <= {None}


def produce_batches(bootstrap: str, topic: str, amount: int, *, partition: int = 0) -> None:
    """Write numbers in batches of exactly 100 records, as Kafka's log keeps them."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 1000})
    for first in range(0, amount, 100):
        for number in range(first, first + 100):
            producer.produce(topic, b"%d" % number, partition=partition)
        assert producer.flush(SECONDS) == 0


def transaction(bootstrap: str, topic: str, values: Iterable[bytes], *, commit: bool) -> None:
    """Write records in one transaction, which ends with a marker in the log, and commit or abort it."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-{time.monotonic_ns()}"})
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    producer.flush(SECONDS)
    (producer.commit_transaction if commit else producer.abort_transaction)(SECONDS)


async def committed(bootstrap: str, group: str, topic: str, partition: int = 0) -> tuple[int, str] | None:
    """Ask from outside the group what it has committed.

    Not with confluent-kafka: its `committed` returns metadata with bytes of its memory appended.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        found = await client.list_consumer_group_offsets(group, partitions=[TopicPartition(topic, partition)])
    finally:
        await client.close()
    offset, metadata = found[TopicPartition(topic, partition)]
    return None if offset < 0 else (offset, metadata)


def contiguous(batches: list[RecordBatch]) -> bool:
    """Whether each batch of the one partition begins where the one before it ended, and holds its own offsets."""
    return all(before.next_position == after.position for before, after in pairwise(batches)) and all(
        batch.position <= batch.offsets[0] <= batch.offsets[-1] < batch.next_position for batch in batches
    )
