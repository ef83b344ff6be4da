"""The consumer thread of the batch transport: aiokafka lives here, in a thread and an event loop of its own.

Everything that decides which records are handed over happens in this thread without an `await` in between: looking whether
reading is allowed, taking what was fetched, and stamping it. A seek also happens here, so it is wholly before or after.
"""

# ruff: noqa: SLF001  # stands on the insides of aiokafka, pinned to 0.14, where there is no public way

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    ConsumerStoppedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from ragpulse.agents.batch_message import Fetched
from ragpulse.agents.fetched_columns import Columns, take_fetched
from ragpulse.agents.offset_marks import Mark
from ragpulse.agents.record_batch import RecordBatch

FETCH_MAX_WAIT_MS: Final = 100
"""Faust fixes 1,500: the slowest hop took 1,395 ms, with 100 it took 101 ms."""
FETCH_BYTES: Final = 8 << 20
"""Of all partitions together, in one fetch. The broker returns one larger record all the same (KIP-74)."""
POLL_RECORDS: Final = 10_000
"""In one hand-over, which ends with the batch of Kafka's that reaches it: bounds what compressed batches unfold to."""
_REBALANCED: Final = (IllegalGenerationError, RebalanceInProgressError, UnknownMemberIdError)
_RETRY_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Span:
    """Offsets taken from the fetcher in one piece, since the last record was handed over."""

    start: int
    end: int


def consumer_settings(app: Any, bootstrap_servers: list[str]) -> dict[str, Any]:
    """Return what aiokafka's consumer is built with: Faust's settings, and the ones that Faust fixes otherwise."""
    conf = app.conf
    return {
        "bootstrap_servers": bootstrap_servers,
        "client_id": conf.broker_client_id,
        "group_id": conf.id,
        "group_instance_id": conf.consumer_group_instance_id,
        "partition_assignment_strategy": [RoundRobinPartitionAssignor],
        "enable_auto_commit": False,
        "auto_offset_reset": conf.consumer_auto_offset_reset,
        "isolation_level": "read_committed",
        "fetch_max_wait_ms": FETCH_MAX_WAIT_MS,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": FETCH_BYTES,
        "max_poll_records": conf.broker_max_poll_records or POLL_RECORDS,
        "max_poll_interval_ms": int(conf.broker_max_poll_interval * 1000),
        "check_crcs": conf.broker_check_crcs,
        "request_timeout_ms": int(conf.broker_request_timeout * 1000),
        "session_timeout_ms": int(conf.broker_session_timeout * 1000),
        "rebalance_timeout_ms": int(conf.broker_rebalance_timeout * 1000),
        "heartbeat_interval_ms": int(conf.broker_heartbeat_interval * 1000),
        "metadata_max_age_ms": conf.consumer_metadata_max_age_ms,
        "connections_max_idle_ms": conf.consumer_connections_max_idle_ms,
        **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
    }


class BatchReader(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread, reading batches and committing marks. Its methods run in its own event loop."""

    consumer: Any
    seeks: Counter[TP]  # written by this thread, read by both
    _spans: dict[TP, _Span]
    _spans_epoch: int | None

    def __post_init__(self) -> None:
        """Start with nothing read."""
        super().__post_init__()
        self.seeks = Counter()
        self._spans = {}
        self._spans_epoch = None

    async def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in this thread and return its result; to be awaited in the main thread."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.thread_loop))

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        servers = driver.server_list(transport.url, transport.default_port)
        return aiokafka.AIOKafkaConsumer(**consumer_settings(self.app, servers))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Share the bytes of a fetch among the partitions, then tell the main thread."""
        self._ensure_consumer()._fetcher._max_partition_fetch_bytes = max(1, FETCH_BYTES // max(1, len(assigned)))
        await super().on_partitions_assigned(assigned, generation_id)

    async def read(self, epoch: int, timeout: float) -> list[Fetched]:  # noqa: ASYNC109  # empty, not an error
        """Return what was fetched, waiting up to ``timeout`` seconds; nothing once the epoch may not be read."""
        consumer = self._ensure_consumer()
        deadline = monotonic() + timeout
        with consumer._subscription.fetch_context():
            while self.consumer.reading_epoch == epoch:
                fetched = self._take(consumer, epoch)
                remaining = deadline - monotonic()
                if fetched or remaining <= 0:
                    return fetched
                await _wait_for_fetch(consumer._fetcher, remaining)
        return []

    def _take(self, consumer: Any, epoch: int) -> list[Fetched]:
        _raise_failures(consumer)
        if consumer._subscription.reassignment_in_progress:
            return []
        if self._spans_epoch != epoch:
            self._spans, self._spans_epoch = {}, epoch
        taken = take_fetched(consumer._fetcher, consumer._max_poll_records)
        stamped = [self._stamp(TP(*tp), columns, epoch) for tp, columns in taken.items()]
        return [fetched for fetched in stamped if fetched.batch.offsets]

    def _stamp(self, tp: TP, columns: Columns, epoch: int) -> Fetched:
        span = self._spans.get(tp)
        if span is None or span.end != columns.start:  # first read of the epoch, a seek, or retention was faster
            span = _Span(columns.start, columns.start)
        self._spans[tp] = _Span(columns.end if columns.offsets else span.start, columns.end)
        batch = RecordBatch(
            topic=tp.topic,
            partition=tp.partition,
            epoch=epoch,
            position=span.start,
            offsets=columns.offsets,
            timestamps_ms=columns.timestamps_ms,
            values=columns.values,
            keys=columns.keys,
            headers=columns.headers,
            next_position=columns.end,
            log_end=self.log_end(tp),
        )
        return Fetched(batch, self.seeks[tp])

    async def seek_to_positions(self, positions: Mapping[TP, int], epoch: int) -> bool:
        """Go on reading elsewhere; False if the epoch is over. What was fetched before is stale from here on."""
        if self.consumer.epoch != epoch:
            return False
        for tp, offset in positions.items():
            self.seeks[tp] += 1
            self._spans.pop(tp, None)
            self._ensure_consumer().seek(driver.ensure_aiokafka_TP(tp), offset)
        return True

    async def commit_marks(self, marks: Mapping[TP, Mark], generation: int) -> bool:
        """Commit until the broker has confirmed; False if the group has moved on to another generation.

        aiokafka's own commit repeats a failed request under whatever generation it then has: after a rebalance it would
        write an old offset over the new owner's.
        """
        coordinator = self._ensure_consumer()._coordinator
        offsets = {TopicPartition(*tp): OffsetAndMetadata(mark.offset, mark.metadata) for tp, mark in marks.items()}
        while True:
            await coordinator.ensure_coordinator_known()
            try:
                async with coordinator._commit_lock:
                    if coordinator.generation != generation:
                        return False
                    await coordinator._do_commit_offsets(None, offsets)
                    return True
            except _REBALANCED:
                return False
            except KafkaError as error:
                if not error.retriable:
                    raise
            await asyncio.sleep(_RETRY_SECONDS)

    async def committed(self, tps: Iterable[TP]) -> dict[TP, tuple[int, str]]:
        """Return what the group's coordinator holds: offset and metadata."""
        coordinator = self._ensure_consumer()._coordinator
        found = await coordinator.fetch_committed_offsets([TopicPartition(*tp) for tp in tps])
        return {TP(*tp): (offset, metadata) for tp, (offset, metadata) in found.items()}

    async def log_bounds(self, tps: Iterable[TP], *, end: bool) -> dict[TP, int]:
        """Ask the partitions' leaders for the first offset of each log, or for its last stable offset."""
        consumer, wanted = self._ensure_consumer(), [TopicPartition(*tp) for tp in tps]
        bounds = await (consumer.end_offsets(wanted) if end else consumer.beginning_offsets(wanted))
        return {TP(*tp): offset for tp, offset in bounds.items()}

    def read_position(self, tp: TP) -> int | None:
        """Return the offset that is taken from the fetcher next; None where it is not known yet. Any thread."""
        state = self._state(tp)
        return None if state is None else state._position

    def log_end(self, tp: TP) -> int | None:
        """Return the last stable offset that the broker told with a fetch of this assignment. Any thread."""
        state = self._state(tp)
        return None if state is None else state.lso

    def _state(self, tp: TP) -> Any:
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        return assignment.state_value(TopicPartition(*tp)) if assignment is not None else None


def _raise_failures(consumer: Any) -> None:
    """Say so if aiokafka's own tasks have ended: nothing would ever be fetched again."""
    if consumer._fetcher._closed:
        raise ConsumerStoppedError
    consumer._coordinator.check_errors()
    if consumer._fetcher.error_future.done():
        consumer._fetcher.error_future.result()


async def _wait_for_fetch(fetcher: Any, seconds: float) -> None:
    waiter = fetcher._create_fetch_waiter()
    await asyncio.wait([waiter], timeout=seconds)
    if waiter.done():
        waiter.result()  # the broker's refusals, such as missing authorisation, come this way
    else:
        waiter.cancel()
