"""Ingest takes partitions over: reads commits, pins and the audit chain, and commits the start of what was never read.

What follows from them is decided in `ragpulse.streams.segments.resume`.
"""

import asyncio
from collections.abc import Sequence

import msgspec
from faust.types import TP

from ragpulse.agents.role import RoleContext
from ragpulse.schemas.segment import FoldParameters, Pins, SegmentRecord
from ragpulse.streams.segments.pins import Wanted, pins_from_metadata, pins_to_metadata
from ragpulse.streams.segments.resume import Resume, Witnesses, resume
from ragpulse.streams.topology import AUDIT, QUERY_EVENTS, block_size

CHAIN_END_RECORDS = 200  # a replay may write older segment records after newer ones, but never this many
WHOLE_CHAIN = 1_000_000


class Takeover:
    """Where each newly assigned source partition goes on."""

    def __init__(self, context: RoleContext) -> None:
        self._context = context
        self._topic = context.full_name(QUERY_EVENTS.name)
        self._topic_id, self._partitions = context.topic_facts[QUERY_EVENTS.name]

    async def plans(self, partitions: Sequence[int]) -> dict[int, Resume]:
        """Return the plan of each partition.

        Raises:
            StuckError: the broker did not answer.
            ConfigurationError: a commit was pinned by a version that folds differently.

        """
        tps = {partition: TP(self._topic, partition) for partition in partitions}
        committed = await self._context.consumer.committed(set(tps.values()))
        starts = await self._context.consumer.log_starts(set(tps.values()))
        # Beside each other: every reading of a chain's end waits for the broker a few times.
        witnesses = await asyncio.gather(
            *(self._witnesses(partition, committed.get(tp), starts[tp]) for partition, tp in tps.items())
        )
        return {each: resume(found, self._fresh_pins()) for each, found in zip(tps, witnesses, strict=True)}

    async def commit_starts(self, plans: dict[int, Resume], epoch: int) -> bool:
        """Commit the starts that the broker does not hold yet, and stand there. False if the epoch ended meanwhile."""
        consumer = self._context.consumer
        first = {TP(self._topic, partition): plan for partition, plan in plans.items() if plan.commit_first}
        for tp, plan in first.items():
            consumer.mark(tp, plan.start, pins_to_metadata(plan.pins), epoch)
        if first:
            await consumer.commit_marks()
        for tp, plan in first.items():
            await consumer.seek_to(tp, plan.start)
        return consumer.epoch == epoch and all(consumer.confirmed.get(tp) == plan.start for tp, plan in first.items())

    def wanted(self) -> Wanted:
        """Return what this worker's own settings and policy would build segments with."""
        bounds = self._context.policy.bounds
        parameters = FoldParameters(
            block_size=self._context.settings.ingest.block_size or block_size(self._partitions),
            cell_cap=bounds.cells_per_segment,
            future_ms=bounds.future_seconds * 1000,
            max_age_ms=bounds.max_age_days * 86_400_000,
            max_event_bytes=bounds.max_event_bytes,
            max_depth=bounds.max_depth,
        )
        return Wanted(parameters, self._context.policy_digest)

    def _fresh_pins(self) -> Pins:
        wanted = self.wanted()
        return Pins(topic_id=self._topic_id, parameters=wanted.parameters, policy_digest=wanted.policy_digest)

    async def _witnesses(self, partition: int, committed: tuple[int, str] | None, log_start: int) -> Witnesses:
        offset, metadata = committed or (None, "")
        pins = pins_from_metadata(metadata)
        is_moved = pins is None and offset is not None
        audit, count = self._context.full_name(AUDIT.name), WHOLE_CHAIN if is_moved else CHAIN_END_RECORDS
        records = await asyncio.to_thread(self._context.reader.last, audit, partition, count)
        chain = [msgspec.json.decode(record.value, type=SegmentRecord) for record in records if record.value]
        return Witnesses(offset, pins, chain, log_start)
