"""Alerting: steps through rag.signals in its one order; publishes transitions and the notifications that follow from them.

Every decision is `ragpulse.streams.alerting.book`. A transition is acknowledged on rag.alerts before its notifications are
sent, both before the snapshot, and the snapshot before the commit that names it.
"""

import asyncio
from collections.abc import AsyncIterable, Coroutine, Sequence
from time import monotonic
from typing import Any

from faust.types import TP

from ragpulse.agents.record_batch import RecordBatch
from ragpulse.agents.role import RoleContext, every
from ragpulse.agents.snapshots import SnapshotStore, name_from_metadata, name_to_metadata
from ragpulse.schemas.signal import Signal
from ragpulse.streams.alerting.book import AlertBook, Outcome
from ragpulse.streams.topology import ALERTING_STATE, ALERTS, NOTIFICATIONS, SIGNALS

SAVE_SECONDS = 5.0


class Alerting:
    """The alerting role. rag.signals has one partition, so one worker is active and further ones stand by."""

    reads = SIGNALS.name

    def __init__(self, context: RoleContext) -> None:
        self._context = context
        self._topic = context.full_name(SIGNALS.name)
        self._topic_id = context.topic_facts[SIGNALS.name][0]
        self._store = SnapshotStore(
            context.full_name(ALERTING_STATE.name),
            context.app.producer,
            context.reader,
            context.settings.kafka.request_timeout_seconds,
        )
        self._books: dict[int, AlertBook] = {}
        self._saved: dict[int, int] = {}
        self._saved_at = monotonic()
        self._epoch = -1
        self._saving = asyncio.Lock()
        # Held from a step to the last of its outputs: a snapshot between them would be a state whose outputs nobody writes.
        self._stepping = asyncio.Lock()

    def revoked(self) -> None:
        """Forget all state: it is restored from the commit by whoever owns the partition then."""
        self._books = {}

    async def assigned(self, partitions: Sequence[int], epoch: int) -> None:
        """Restore the book from the snapshot that the commit names."""
        self._books = {}
        tps = {partition: TP(self._topic, partition) for partition in partitions}
        committed = await self._context.consumer.committed(set(tps.values()))
        starts = await self._context.consumer.log_starts(set(tps.values()))
        restored = {partition: await self._restore(partition, committed.get(tp)) for partition, tp in tps.items()}
        if self._context.consumer.epoch != epoch:
            return
        for partition, book in restored.items():
            await self._context.consumer.seek_to(tps[partition], max(book.offset + 1, starts[tps[partition]]))
        self._books, self._saved = restored, {partition: book.offset for partition, book in restored.items()}
        self._epoch = epoch
        self._context.meter.set("ragpulse_epoch", epoch)

    async def _restore(self, partition: int, committed: tuple[int, str] | None) -> AlertBook:
        name = name_from_metadata(committed[1]) if committed else None
        if name is None or name.topic_id != self._topic_id:
            return AlertBook()
        chunks = await self._store.load(partition, name)
        return AlertBook.restore(b"".join(chunks))

    async def consume(self, batches: AsyncIterable[RecordBatch]) -> None:
        """Step signal after signal, in offset order."""
        async for batch in batches:
            for offset, value in zip(batch.offsets, batch.values, strict=True):
                book = self._books.get(batch.partition)
                if book is None or self._context.consumer.epoch != batch.epoch:
                    break
                if value is not None:
                    async with self._stepping:
                        await self._publish(self._step(book, value, offset))

    def _step(self, book: AlertBook, value: bytes, offset: int) -> Outcome:
        return book.step(Signal.from_bytes(value), offset, self._context.policy, self._context.policy_digest)

    async def _publish(self, outcome: Outcome) -> None:
        for alert in outcome.transitions:
            self._context.meter.count("ragpulse_alert_transitions_total", state=alert.state.value)
            await self._context.outbox.send(ALERTS.name, alert.alert_id.encode(), alert.to_bytes())
        if outcome.transitions:
            await self._context.outbox.acknowledged()
        for notification in outcome.notifications:
            await self._context.outbox.send(NOTIFICATIONS.name, notification.alert_id.encode(), notification.to_bytes())

    async def save(self) -> None:
        """Snapshot every changed book and commit the offset it reflects."""
        async with self._saving:
            epoch = self._context.consumer.epoch
            for partition, book in list(self._books.items()):
                if book.offset != self._saved.get(partition):
                    async with self._stepping:
                        offset, state = book.offset, book.snapshot()
                    await self._save(partition, offset, state, epoch)
            self._saved_at = monotonic()

    async def _save(self, partition: int, offset: int, state: bytes, epoch: int) -> None:
        await self._context.outbox.acknowledged()
        name = await self._store.save(partition, self._topic_id, offset + 1, _chunks(state))
        if self._context.consumer.epoch != epoch:
            return
        tp = TP(self._topic, partition)
        self._context.consumer.mark(tp, offset + 1, name_to_metadata(name), epoch)
        await self._context.consumer.commit_marks()
        # Asked for, not returned: Faust commits marks on its own, too, and may have been faster.
        if self._context.consumer.epoch == epoch and self._context.consumer.confirmed.get(tp) == offset + 1:
            self._saved[partition] = offset
            await self._store.delete_before(partition, name)
            self._context.meter.set("ragpulse_committed_offset", offset + 1, topic=self._topic, partition=partition)

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """Return what acknowledges notifications soon and saves the state now and then."""
        return [every(0.25, self._context.outbox.acknowledged), every(SAVE_SECONDS, self.save)]

    async def drain(self) -> None:
        """Save."""
        await self.save()

    def not_ready(self) -> str | None:
        """Return why signals are not followed yet. A worker on stand-by, without a partition, is ready."""
        if self._epoch != self._context.consumer.epoch:
            return "waiting for partitions"
        return None


def _chunks(state: bytes, size: int = 700_000) -> list[bytes]:
    return [state[start : start + size] for start in range(0, len(state), size)]
