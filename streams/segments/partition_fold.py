"""All of one source partition: its open segment, those just closed, its event time, its chain of pins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.rejected_event import RejectedEvent
from ragpulse.schemas.segment import Pins, SegmentRecord
from ragpulse.schemas.window_partial import Cell, Progress, SegmentCells
from ragpulse.streams.segments.event_time import EventTime
from ragpulse.streams.segments.pins import Wanted
from ragpulse.streams.segments.records import Headers, Records, cuts
from ragpulse.streams.segments.rejection import Origin, Rejection, rejected_event
from ragpulse.streams.segments.segment import Segment

#: Records folded in one go: sums of a run are exact as floats (see `Cells.add`), and memory stays small.
LONGEST_RUN: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """A segment that ended: its record for the audit topic, and what became of each of its records."""

    record: SegmentRecord
    offsets: NDArray[np.int64]
    outcomes: bytes  # one `Outcome` a record

    def record_bytes(self) -> bytes:
        """Return the value of the record on the audit topic."""
        return msgspec.json.encode(self.record)


@dataclass(slots=True)
class FoldStep:
    """What one call of `fold` did. ``consumed`` < records given: the rest waits for `parameters_confirmed`."""

    consumed: int = 0
    rejections: list[RejectedEvent] = field(default_factory=list)
    closed: list[ClosedSegment] = field(default_factory=list)


class PartitionFold:
    """State of one source partition within one assignment.

    Same log, same pins: the same segments, however the records are split into calls and whenever changes are taken.
    """

    def __init__(self, topic: str, partition: int, start: int, pins: Pins, wanted: Wanted) -> None:
        self._topic = topic
        self._partition = partition
        self._pins = pins
        self._wanted = wanted
        self._event_time = EventTime(pins.event_time_ms)
        self._append_ms = pins.append_ms
        self._segment = Segment(start, pins.parameters)
        self._untaken: list[Segment] = []  # closed, with changes not taken yet
        self._awaits_confirmation = False

    @property
    def position(self) -> int:
        """Offset after the last record folded: where reading goes on."""
        return self._segment.reached

    @property
    def append_ms(self) -> int | None:
        """Append time of the last record folded, None before any."""
        return self._append_ms

    @property
    def watermark_ms(self) -> int | None:
        """Event time reached less the allowed disorder, None before any event or tick."""
        highest = self._event_time.highest_ms
        return None if highest is None else highest - self._pins.parameters.disorder_ms

    def fold(
        self,
        offsets: Sequence[int] | NDArray[np.int64],
        timestamps_ms: Sequence[int] | NDArray[np.int64],
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None],
        headers: Sequence[Headers],
    ) -> FoldStep:
        """Fold the next records, given as columns of equal length in offset order.

        Stops at a segment's end where other parameters apply to the next one: those must be committed first, so that no
        two workers ever publish one segment under different parameters.
        """
        records = Records(np.asarray(offsets, np.int64), np.asarray(timestamps_ms, np.int64), values, keys, headers)
        step = FoldStep()
        if self.awaits_confirmation():
            return step
        for cut in cuts(records, self._segment.last, self._pins.parameters):
            self._fold_runs(records.slice(step.consumed, cut), step)
            step.consumed = cut
            step.closed.append(self._close())
            if self.awaits_confirmation():
                return step
        self._fold_runs(records.slice(step.consumed, len(records)), step)
        step.consumed = len(records)
        return step

    def awaits_confirmation(self) -> bool:
        """Say whether nothing is folded before the commit of the last segment is confirmed."""
        return self._awaits_confirmation

    def parameters_confirmed(self) -> None:
        """Go on with the parameters that the last segment's commit pinned: the broker confirmed it."""
        self._awaits_confirmation = False

    def lost(self, first: int, end: int) -> None:
        """Count offsets [first, end) that left the log before they were read into the open segment's record."""
        self._segment.lost += end - first

    def take_changes(self, partition_of: Callable[[str], int]) -> dict[int, list[SegmentCells]]:
        """Return the cells changed since the last call by target partition: of segments just closed, then the open one."""
        taken: dict[int, list[SegmentCells]] = {}
        for segment in (*self._untaken, self._segment):
            by_target: dict[int, list[Cell]] = {}
            for cell in segment.cells.take_changes():
                by_target.setdefault(partition_of(cell.service), []).append(cell)
            for target, cells in by_target.items():
                changed = SegmentCells(self._pins.topic_id, self._partition, segment.start, segment.reached, cells)
                taken.setdefault(target, []).append(changed)
        self._untaken.clear()
        return taken

    def progress(self, committed: int, partition_count: int) -> Progress:
        """Return how far the partition has come. ``committed``: the segment start that the broker confirmed."""
        return Progress(
            self._pins.topic_id, self._partition, partition_count, self.position, committed, self.watermark_ms
        )

    def _fold_runs(self, records: Records, step: FoldStep) -> None:
        for start in range(0, len(records), LONGEST_RUN):
            run = records.slice(start, min(start + LONGEST_RUN, len(records)))
            # A cut follows each tick, so only the last record of a run can be one.
            if run.is_tick(len(run) - 1):
                self._fold_run(run.slice(0, len(run) - 1), step)
                self._fold_tick(run.slice(len(run) - 1, len(run)))
            else:
                self._fold_run(run, step)

    def _fold_run(self, run: Records, step: FoldStep) -> None:
        if not len(run):
            return
        rejections = self._segment.fold(run, self._event_time)
        self._append_ms = int(run.timestamps_ms[-1])
        step.rejections += [self._rejected(run, position, rejections[position]) for position in sorted(rejections)]

    def _fold_tick(self, tick: Records) -> None:
        append_ms = int(tick.timestamps_ms[0])
        self._event_time.tick(append_ms, self._append_ms, self._pins.parameters.future_ms)
        self._segment.fold_tick(tick)
        self._append_ms = append_ms

    def _rejected(self, run: Records, position: int, rejection: Rejection) -> RejectedEvent:
        origin = Origin(
            self._topic,
            self._partition,
            int(run.offsets[position]),
            int(run.timestamps_ms[position]),
            run.values[position],
            run.keys[position],
        )
        return rejected_event(rejection, origin)

    def _close(self) -> ClosedSegment:
        """End the open segment and begin the next where it ends, whatever gap follows."""
        segment = self._segment
        assert self._append_ms is not None
        identity = derived_id(self._pins.topic_id, self._partition, segment.start)
        self._awaits_confirmation = (self._wanted.parameters, self._wanted.policy_digest) != (
            self._pins.parameters,
            self._pins.policy_digest,
        )
        self._pins = Pins(
            topic_id=self._pins.topic_id,
            parameters=self._wanted.parameters,
            policy_digest=self._wanted.policy_digest,
            event_time_ms=self._event_time.highest_ms,
            append_ms=self._append_ms,
            index=self._pins.index + 1,
            previous=identity,
        )
        record = SegmentRecord(
            id=identity,
            at_ms=self._append_ms,
            topic=self._topic,
            partition=self._partition,
            start=segment.start,
            end=segment.reached,
            counts=segment.counts(),
            pins=self._pins,
        )
        self._untaken.append(segment)
        self._segment = Segment(segment.reached, self._pins.parameters)
        return ClosedSegment(record, segment.offsets(), segment.outcomes())
