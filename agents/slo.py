"""SLO: merges the partials of a target partition, publishes windows, verdicts, violations and signals.

Every decision is `ragpulse.streams.windows.merger`. Outputs are acknowledged before the snapshot that follows them, and the
snapshot before the commit that names it; a restart therefore replays outputs with the same ids and bytes, and loses none.
"""

import asyncio
from collections.abc import AsyncIterable, Coroutine, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec
from faust.types import TP

from ragpulse.agents.record_batch import RecordBatch
from ragpulse.agents.role import RoleContext, every
from ragpulse.agents.snapshots import SnapshotStore, name_from_metadata, name_to_metadata
from ragpulse.schemas.sla import SlaCompliance, Violation
from ragpulse.schemas.window_partial import Flush
from ragpulse.streams.topology import QUERY_EVENTS, SLO_STATE, WINDOW_PARTIALS
from ragpulse.streams.windows.merger import Merger
from ragpulse.streams.windows.outbox import Output
from ragpulse.streams.windows.state import MergerSettings

MAX_UNACKNOWLEDGED = 5_000


@dataclass(slots=True)
class Owned:
    """One partition of window-partials that this worker owns in the present epoch."""

    merger: Merger
    position: int  # next offset to step
    saved: int  # offset of the last committed snapshot
    saved_at: float
    #: Held from a step to the last of its outputs: a snapshot between them would be a state whose outputs nobody writes.
    stepping: asyncio.Lock = field(default_factory=asyncio.Lock)


class Slo:
    """The slo role."""

    reads = WINDOW_PARTIALS.name

    def __init__(self, context: RoleContext) -> None:
        self._context = context
        self._settings = context.settings.slo
        self._topic = context.full_name(WINDOW_PARTIALS.name)
        self._topic_id = context.topic_facts[WINDOW_PARTIALS.name][0]
        self._store = SnapshotStore(
            context.full_name(SLO_STATE.name),
            context.app.producer,
            context.reader,
            context.settings.kafka.request_timeout_seconds,
        )
        self._decoder = msgspec.json.Decoder(Flush)
        self._owned: dict[int, Owned] = {}
        self._epoch = -1
        self._saving = asyncio.Lock()

    def revoked(self) -> None:
        """Forget all state: it is restored from the commit by whoever owns the partition then."""
        self._owned = {}

    async def assigned(self, partitions: Sequence[int], epoch: int) -> None:
        """Restore each partition's state from the snapshot that its commit names."""
        self._owned = {}
        tps = {partition: TP(self._topic, partition) for partition in partitions}
        committed = await self._context.consumer.committed(set(tps.values()))
        starts = await self._context.consumer.log_starts(set(tps.values()))
        restored = {
            partition: await self._restore(partition, committed.get(tp), starts[tp]) for partition, tp in tps.items()
        }
        if self._context.consumer.epoch != epoch:
            return
        for partition, owned in restored.items():
            await self._context.consumer.seek_to(tps[partition], owned.position)
        self._owned = restored
        self._epoch = epoch
        self._context.meter.set("ragpulse_epoch", epoch)

    async def _restore(self, partition: int, committed: tuple[int, str] | None, log_start: int) -> Owned:
        name = name_from_metadata(committed[1]) if committed else None
        if committed is None or name is None or name.topic_id != self._topic_id:
            merger = Merger(self._context.policy, self._merger_settings(partition))
            return Owned(merger, log_start, log_start, monotonic())
        chunks = await self._store.load(partition, name)
        merger = Merger.restore(chunks, self._context.policy, self._merger_settings(partition))
        self._context.log.info("state restored", partition=partition, offset=committed[0], bytes=sum(map(len, chunks)))
        return Owned(merger, committed[0], committed[0], monotonic())

    def _merger_settings(self, partition: int) -> MergerSettings:
        return MergerSettings(
            silence_ms=round(self._settings.silent_after_seconds * 1000),
            hold_ms=round(self._settings.hold_limit_seconds * 1000),
            source_topic=self._context.full_name(QUERY_EVENTS.name),
            reports_health=partition == 0,
        )

    async def consume(self, batches: AsyncIterable[RecordBatch]) -> None:
        """Step record after record, in offset order."""
        async for batch in batches:
            await self._take(batch)

    async def _take(self, batch: RecordBatch) -> None:
        owned = self._owned.get(batch.partition)
        for offset, timestamp_ms, value in zip(batch.offsets, batch.timestamps_ms, batch.values, strict=True):
            if owned is None or self._context.consumer.epoch != batch.epoch:
                return
            if offset < owned.position or value is None:
                continue
            async with owned.stepping:
                output = owned.merger.step(offset, timestamp_ms, self._decoder.decode(value))
                owned.position = offset + 1
                await self._publish(output.outputs)
        self._show_standing(batch)
        if owned is not None and monotonic() - owned.saved_at >= self._settings.snapshot_seconds:
            await self.save(batch.partition)
        elif len(self._context.outbox) > MAX_UNACKNOWLEDGED:
            await self._context.outbox.acknowledged()

    def _show_standing(self, batch: RecordBatch) -> None:
        meter = self._context.meter
        where: dict[str, str | int] = {"topic": self._topic, "partition": batch.partition}
        meter.set("ragpulse_read_position", batch.next_position, **where)
        if batch.log_end is not None:
            meter.set("ragpulse_log_end_offset", batch.log_end, **where)

    async def _publish(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self._count(output.event)
            await self._context.outbox.send(output.topic, output.key.encode(), output.event.to_bytes())

    def _count(self, event: Any) -> None:
        if isinstance(event, SlaCompliance):
            self._context.meter.count("ragpulse_verdicts_total", status=event.status)
        elif isinstance(event, Violation):
            self._context.meter.count("ragpulse_violations_total", phase=event.phase.value)

    async def save(self, partition: int) -> None:
        """Snapshot a partition's state and commit the offset it reflects, once the outputs up to there are acknowledged."""
        async with self._saving:
            owned = self._owned.get(partition)
            epoch = self._context.consumer.epoch
            if owned is None or owned.position == owned.saved:
                return
            async with owned.stepping:
                offset, chunks = owned.position, owned.merger.snapshot()
            await self._context.outbox.acknowledged()
            name = await self._store.save(partition, self._topic_id, offset, chunks)
            if self._context.consumer.epoch != epoch:
                return
            self._context.consumer.mark(TP(self._topic, partition), offset, name_to_metadata(name), epoch)
            await self._context.consumer.commit_marks()
            # Asked for, not returned: Faust commits marks on its own, too, and may have been faster.
            confirmed = self._context.consumer.confirmed.get(TP(self._topic, partition))
            if self._context.consumer.epoch == epoch and confirmed == offset:
                owned.saved, owned.saved_at = offset, monotonic()
                await self._store.delete_before(partition, name)
                self._context.meter.set("ragpulse_snapshot_bytes", sum(map(len, chunks)), partition=partition)
                self._context.meter.set("ragpulse_committed_offset", offset, topic=self._topic, partition=partition)

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return what makes sure that outputs are acknowledged soon, and a quiet partition's state is saved."""
        return [every(0.25, self._context.outbox.acknowledged), every(self._settings.snapshot_seconds, self._save_due)]

    async def _save_due(self) -> None:
        for partition, owned in list(self._owned.items()):
            if monotonic() - owned.saved_at >= self._settings.snapshot_seconds:
                await self.save(partition)

    async def drain(self) -> None:
        """Save every partition."""
        for partition in list(self._owned):
            await self.save(partition)

    def not_ready(self) -> str | None:
        """Return why no partition is served yet, None once the present assignment is restored."""
        if self._epoch < 0:
            return "waiting for partitions"
        if self._epoch != self._context.consumer.epoch:
            return "partitions are being reassigned"
        return None
