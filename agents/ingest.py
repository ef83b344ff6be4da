"""Ingest: reads query-events, folds them by segment, flushes cells, closes segments, writes ticks to silent partitions.

Every decision is `ragpulse.streams.segments`; the order of the effects is decided here and is what makes a crash harmless:
rejections and cells of a closed segment acknowledged, then its record on the audit topic, then its commit, then the progress
that names the commit as confirmed. So the end of the audit chain is a place to go on from where the commit is lost.
"""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from faust.types import TP

from ragpulse.agents.record_batch import RecordBatch
from ragpulse.agents.role import RoleContext, every
from ragpulse.agents.takeover import Takeover
from ragpulse.streams.segments.flush import build_flushes, partition_of
from ragpulse.streams.segments.partition_fold import ClosedSegment, PartitionFold
from ragpulse.streams.segments.pins import pins_to_metadata
from ragpulse.streams.segments.records import TICK_HEADER
from ragpulse.streams.segments.resume import Resume
from ragpulse.streams.topology import AUDIT, QUERY_EVENTS, REJECTED_EVENTS, WINDOW_PARTIALS

TICK_HEADERS = [(TICK_HEADER, b"1")]
SIGN_OF_LIFE_SECONDS = 5.0
MAX_UNACKNOWLEDGED = 2_000  # rejections in flight before reading waits for them
DRAIN_SECONDS = 8.0


@dataclass(slots=True)
class Owned:
    """One source partition that this worker owns in the present epoch."""

    fold: PartitionFold
    confirmed: int
    read_to: int  # where the next batch has to begin
    closed: list[ClosedSegment] = field(default_factory=list)
    last_record: float = field(default_factory=monotonic)
    last_tick: float = 0.0
    log_end: int | None = None  # as of the last batch


class Ingest:
    """The ingest role."""

    reads = QUERY_EVENTS.name

    def __init__(self, context: RoleContext) -> None:
        self._context = context
        self._settings = context.settings.ingest
        self._topic = context.full_name(QUERY_EVENTS.name)
        self._takeover = Takeover(context)
        self._partitions = context.topic_facts[QUERY_EVENTS.name][1]
        self._targets = context.topic_facts[WINDOW_PARTIALS.name][1]
        self._owned: dict[int, Owned] = {}
        self._epoch = -1
        self._at_ms = 0
        self._flushing = asyncio.Lock()
        self._last_flush = 0.0
        self._last_progress: list[Any] = []

    # --- assignment -------------------------------------------------------------------------------------------------

    def revoked(self) -> None:
        """Drop every open segment: it is read again from the commit, by whoever owns the partition then."""
        self._owned = {}

    async def assigned(self, partitions: Sequence[int], epoch: int) -> None:
        """Read commits and pins, commit the start of what was never read, and begin there."""
        self._owned = {}
        plans = await self._takeover.plans(partitions)
        if not await self._takeover.commit_starts(plans, epoch):
            return
        self._owned = {partition: self._open(partition, plan) for partition, plan in plans.items()}
        self._epoch = epoch
        self._context.meter.set("ragpulse_epoch", epoch)

    def _open(self, partition: int, plan: Resume) -> Owned:
        fold = PartitionFold(self._topic, partition, plan.start, plan.pins, self._takeover.wanted())
        if plan.lost is not None:
            self._lose(fold, partition, plan.lost)
        self._context.log.info(
            "partition taken over",
            partition=partition,
            start=plan.start,
            segment=plan.pins.index,
            committed=not plan.commit_first,
        )
        return Owned(fold, confirmed=plan.start, read_to=max(plan.start, plan.lost[1] if plan.lost else 0))

    def _lose(self, fold: PartitionFold, partition: int, lost: tuple[int, int]) -> None:
        fold.lost(*lost)
        self._context.meter.count("ragpulse_lost_offsets_total", lost[1] - lost[0], partition=partition)
        self._context.log.error(
            "offsets left the log before they were read", partition=partition, first=lost[0], end=lost[1]
        )

    # --- reading ----------------------------------------------------------------------------------------------------

    async def consume(self, batches: AsyncIterable[RecordBatch]) -> None:
        """Fold batch after batch."""
        async for batch in batches:
            await self._take(batch)

    async def _take(self, batch: RecordBatch) -> None:
        owned = self._owned.get(batch.partition)
        if owned is None or batch.epoch != self._context.consumer.epoch:
            return
        if not await self._follows(owned, batch):
            return
        columns: tuple[Any, ...] = (batch.offsets, batch.timestamps_ms, batch.values, batch.keys, batch.headers)
        while True:
            step = owned.fold.fold(*columns)
            owned.last_record = monotonic()
            # First the rejections: a flush beside us must not commit a segment whose rejections are not even sent.
            await self._reject(step.rejections)
            owned.closed += step.closed
            if step.consumed == len(columns[0]):
                break
            # Other parameters apply from here on, once the commit that pins them is confirmed.
            await self.flush()
            if batch.epoch != self._context.consumer.epoch or owned.confirmed != owned.fold.position:
                return
            owned.fold.parameters_confirmed()
            columns = tuple(column[step.consumed :] for column in columns)
        self._at_ms = max(self._at_ms, batch.timestamps_ms[-1])
        if len(self._context.outbox) > MAX_UNACKNOWLEDGED:
            await self.flush()

    async def _follows(self, owned: Owned, batch: RecordBatch) -> bool:
        if batch.position < owned.read_to:
            self._context.log.warning(
                "the reader went back: segment dropped", partition=batch.partition, expected=owned.read_to
            )
            await self._begin_again(batch.partition, batch.epoch)
            return False
        if batch.position > owned.read_to:
            self._lose(owned.fold, batch.partition, (owned.read_to, batch.position))
        owned.read_to, owned.log_end = batch.next_position, batch.log_end
        return True

    async def _begin_again(self, partition: int, epoch: int) -> None:
        await self._context.topic_watch.look()  # a topic that was made anew begins at 0
        plans = await self._takeover.plans([partition])
        if self._context.consumer.epoch == epoch:
            self._owned[partition] = self._open(partition, plans[partition])
            await self._context.consumer.seek_to(TP(self._topic, partition), plans[partition].start)

    async def _reject(self, rejections: Sequence[Any]) -> None:
        for rejection in rejections:
            if not self._settings.store_rejected_payload:
                rejection = rejection.model_copy(update={"payload_base64": None, "key_base64": None})  # noqa: PLW2901
            self._context.meter.count("ragpulse_rejected_events_total", reason=rejection.reason.value)
            key = f"{rejection.topic}/{rejection.partition}/{rejection.offset}".encode()
            await self._context.outbox.send(REJECTED_EVENTS.name, key, rejection.to_bytes())

    # --- flushing ---------------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Publish what changed, close what ended. Single-flight; the snapshot is taken before the first wait.

        Raises:
            StuckError: the broker did not acknowledge a record or a commit.

        """
        async with self._flushing:
            began = monotonic()
            epoch = self._context.consumer.epoch
            if not self._owned or self._epoch != epoch:
                return
            flushes, closed = self._snapshot()
            for target, values in flushes.items():
                for value in values:
                    await self._context.outbox.send(WINDOW_PARTIALS.name, None, value, partition=target)
            await self._context.outbox.acknowledged()
            await self._close(closed, epoch)
            self._show_standing()
            if flushes:
                self._context.meter.count("ragpulse_flushes_total")
                self._context.meter.observe("ragpulse_flush_seconds", monotonic() - began)

    def _snapshot(self) -> tuple[dict[int, list[bytes]], list[tuple[int, ClosedSegment]]]:
        changes: dict[int, list[Any]] = {}
        closed: list[tuple[int, ClosedSegment]] = []
        progress = []
        for partition, owned in sorted(self._owned.items()):
            for target, cells in owned.fold.take_changes(lambda service: partition_of(service, self._targets)).items():
                changes.setdefault(target, []).extend(cells)
            closed += [(partition, segment) for segment in owned.closed]
            owned.closed = []
            progress.append(owned.fold.progress(owned.confirmed, self._partitions))
        if progress == self._last_progress and monotonic() - self._last_flush < SIGN_OF_LIFE_SECONDS:
            return {}, closed
        self._last_progress, self._last_flush = progress, monotonic()
        return build_flushes(changes, progress, self._at_ms, self._targets), closed

    async def _close(self, closed: list[tuple[int, ClosedSegment]], epoch: int) -> None:
        """Write the records of segments whose rejections and cells are acknowledged, then commit their ends."""
        consumer = self._context.consumer
        if not closed or consumer.epoch != epoch:
            return
        for partition, segment in closed:
            await self._context.outbox.send(AUDIT.name, None, segment.record_bytes(), partition=partition)
        await self._context.outbox.acknowledged()
        for partition, segment in closed:
            consumer.mark(TP(self._topic, partition), segment.record.end, pins_to_metadata(segment.record.pins), epoch)
        await consumer.commit_marks()
        if consumer.epoch != epoch:
            return
        # Asked for, not returned: Faust commits marks on its own, too, and may have been faster.
        for partition, owned in self._owned.items():
            owned.confirmed = max(owned.confirmed, consumer.confirmed.get(TP(self._topic, partition), 0))
        self._account(closed)

    def _account(self, closed: list[tuple[int, ClosedSegment]]) -> None:
        meter = self._context.meter
        for partition, segment in closed:
            meter.count("ragpulse_segments_closed_total", partition=partition)
            for outcome, amount in segment.record.counts.items():
                if amount and outcome not in {"records", "lost", "overflow"}:
                    meter.count("ragpulse_events_total", amount, outcome=outcome)
            meter.count("ragpulse_overflow_events_total", segment.record.counts.get("overflow", 0))

    def _show_standing(self) -> None:
        meter = self._context.meter
        for partition, owned in self._owned.items():
            meter.set("ragpulse_committed_offset", owned.confirmed, topic=self._topic, partition=partition)
            meter.set("ragpulse_read_position", owned.fold.position, topic=self._topic, partition=partition)
            if owned.log_end is not None:
                meter.set("ragpulse_log_end_offset", owned.log_end, topic=self._topic, partition=partition)
            if owned.fold.watermark_ms is not None:
                meter.set("ragpulse_watermark_seconds", owned.fold.watermark_ms / 1000, partition=partition)

    # --- ticks ------------------------------------------------------------------------------------------------------

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return the flusher and, unless ticks are off, the ticker."""
        tasks = [every(self._settings.flush_seconds, self.flush)]
        if self._settings.ticks:
            tasks.append(every(min(1.0, self._settings.tick_after_seconds / 2), self._tick_silent))
        return tasks

    async def _tick_silent(self) -> None:
        now = monotonic()
        for partition, owned in list(self._owned.items()):
            silent = now - owned.last_record >= self._settings.tick_after_seconds
            due = now - owned.last_tick >= self._settings.tick_every_seconds
            if silent and due and self._context.consumer.at_end(TP(self._topic, partition)):
                owned.last_tick = now
                await self._tick(partition)

    async def _tick(self, partition: int) -> Awaitable[Any]:
        """Write a tick; return its acknowledgement, to be awaited or left to the next flush."""
        self._context.meter.count("ragpulse_ticks_written_total")
        return await self._context.outbox.send(QUERY_EVENTS.name, None, b"", partition=partition, headers=TICK_HEADERS)

    # --- end --------------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """End the open segments of partitions that stand at their end with a tick, and wait for their commits."""
        ends = await self._end_open_segments() if self._settings.ticks else {}
        deadline = monotonic() + DRAIN_SECONDS
        await self.flush()
        while monotonic() < deadline and not self._committed_through(ends):
            await asyncio.sleep(0.05)
            await self.flush()

    async def _end_open_segments(self) -> dict[int, int]:
        """Return, by partition, the offset after the tick that ends its last segment."""
        consumer = self._context.consumer
        ticks: dict[int, Awaitable[Any]] = {}
        for partition, owned in list(self._owned.items()):
            tp = TP(self._topic, partition)
            if consumer.at_end(tp) and consumer.position(tp) != owned.confirmed:
                ticks[partition] = await self._tick(partition)
        await self._context.outbox.acknowledged()
        return {partition: (await tick).offset + 1 for partition, tick in ticks.items()}

    def _committed_through(self, ends: dict[int, int]) -> bool:
        """Say whether every partition that is still owned is committed that far."""
        return all(self._owned[each].confirmed >= end for each, end in ends.items() if each in self._owned)

    def not_ready(self) -> str | None:
        """Return why no partition is served yet, None once the present assignment is taken over."""
        if self._epoch < 0:
            return "waiting for partitions"
        if self._epoch != self._context.consumer.epoch:
            return "partitions are being reassigned"
        return None
