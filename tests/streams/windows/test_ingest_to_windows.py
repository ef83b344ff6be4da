"""Ingest's fold and the merger together, in memory: produced bytes in, windows out, against an independent count."""

import random
from itertools import count
from typing import Any

import msgspec

from merger_runs import policy
from ragpulse.schemas.segment import FoldParameters, Pins
from ragpulse.schemas.window import Window
from ragpulse.schemas.window_partial import Flush, SegmentCells
from ragpulse.streams.segments.flush import build_flushes, partition_of
from ragpulse.streams.segments.partition_fold import ClosedSegment, PartitionFold
from ragpulse.streams.segments.pins import Wanted
from ragpulse.streams.windows.merger import Merger
from truth import events, figures_of, windows

START_MS = 1_800_000_000_000
SOURCES, TARGETS = 3, 2
TICK = [("ragpulse-tick", b"1")]
PARAMETERS = FoldParameters(block_size=700)

Row = tuple[int, bytes | None, Any]  # append time, value, headers


def source_logs(produced: list[dict[str, Any]], draw: random.Random) -> list[list[Row]]:
    """Spread events over partitions, out of order by up to 4 s, and close each partition with ticks."""
    logs: list[list[Row]] = [[] for _ in range(SOURCES)]
    for event in sorted(produced, key=lambda event: event["occurred_at_ms"] + draw.randrange(4_000)):
        logs[draw.randrange(SOURCES)].append((event["occurred_at_ms"] + 4_500, msgspec.json.encode(event), ()))
    for log in logs:
        log.sort(key=lambda row: row[0])
        log += [(log[-1][0] + 5_000, None, TICK), (START_MS + 2 * 3_600_000, None, TICK)]
    return logs


def new_fold(partition: int) -> PartitionFold:
    pins = Pins(topic_id="topic-1", parameters=PARAMETERS, policy_digest="p")
    return PartitionFold("rag.query-events", partition, 0, pins, Wanted(PARAMETERS, "p"))


class Ingest:
    """One worker over all source partitions."""

    def __init__(self, logs: list[list[Row]], draw: random.Random) -> None:
        self.logs, self.draw = logs, draw
        self.folds = [new_fold(partition) for partition in range(SOURCES)]
        self.committed = [0] * SOURCES

    def is_at_end(self) -> bool:
        return all(fold.position == len(log) for fold, log in zip(self.folds, self.logs, strict=True))

    def flush(self) -> dict[int, list[bytes]]:
        """Read on in every partition and flush; what ended is committed after that."""
        changes: dict[int, list[SegmentCells]] = {}
        ends = list(self.committed)
        for partition, fold in enumerate(self.folds):
            ends[partition] = max(
                [closed.record.end for closed in self._read(fold, self.logs[partition])], default=ends[partition]
            )
            for target, cells in fold.take_changes(lambda service: partition_of(service, TARGETS)).items():
                changes.setdefault(target, []).extend(cells)
        progress = [fold.progress(self.committed[partition], SOURCES) for partition, fold in enumerate(self.folds)]
        self.committed = ends
        return build_flushes(changes, progress, 0, TARGETS, limit_bytes=20_000)

    def _read(self, fold: PartitionFold, log: list[Row]) -> list[ClosedSegment]:
        offsets = range(fold.position, min(len(log), fold.position + self.draw.randrange(400)))
        rows = [log[offset] for offset in offsets]
        step = fold.fold(
            offsets, [row[0] for row in rows], [row[1] for row in rows], [b"k"] * len(rows), [row[2] for row in rows]
        )
        assert [] == step.rejections
        return step.closed


def test_windows_equal_an_independent_count_of_what_was_produced() -> None:
    draw = random.Random(5)
    produced = list(events(4_000, seed=3, start_ms=START_MS, step_ms=150.0, services=6))
    ingest = Ingest(source_logs(produced, draw), draw)
    mergers = [Merger(policy()) for _ in range(TARGETS)]
    published: list[Window] = []
    offsets = count()
    while not ingest.is_at_end():
        for target, values in ingest.flush().items():
            for value in values:
                offset = next(offsets)
                outputs = mergers[target].step(offset, offset * 100, msgspec.json.decode(value, type=Flush)).outputs
                published += [output.event for output in outputs if isinstance(output.event, Window)]

    shown = {
        (window.service, window.window_size_ms, window.window_start_ms): figures_of(window.model_dump())
        for window in published
        if window.window_size_ms <= 3_600_000
    }
    assert windows(produced, START_MS + 2 * 3_600_000 - 10_000) == shown
    assert len(published) == len({window.id for window in published})
    assert {0} == {window.late_count for window in published}
