"""One open segment: what its records add up to, and what became of each."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, PANE_MS
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.histogram import buckets_of
from ragpulse.streams.segments.cells import CellNumbers, Cells
from ragpulse.streams.segments.event_arrays import (
    NO_USER,
    EventArrays,
    Flags,
    Integers,
    joined,
    selected,
    status_codes,
    user_registers,
)
from ragpulse.streams.segments.event_time import EventTime, Lateness, lateness
from ragpulse.streams.segments.intake import Intake, take_in
from ragpulse.streams.segments.measurements import LATENCY, Addends, addends, whole_numbers
from ragpulse.streams.segments.outcome import Outcome
from ragpulse.streams.segments.records import LastRecord, Records
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.repeats import Repeats

Outcomes = NDArray[np.uint8]

_UNCOUNTED: Final = np.array([COLUMN["duplicate_count"], COLUMN["too_late_count"]])


@dataclass(frozen=True, slots=True)
class Judged:
    """Accepted events of a run and what is to become of them."""

    events: EventArrays
    lateness: Lateness
    panes: Integers

    @property
    def counted(self) -> Flags:
        """Which events are measured; the others are only counted, as repeats or as too late."""
        return ~(self.events.repeated | self.lateness.too_late)

    def outcomes(self) -> Outcomes:
        """Return what becomes of each event."""
        verdicts = (
            (self.events.repeated, Outcome.DUPLICATE),
            (self.lateness.too_late, Outcome.TOO_LATE),
            (self.lateness.late, Outcome.LATE),
        )
        fates = [np.uint8(outcome) for _, outcome in verdicts]
        return np.select([which for which, _ in verdicts], fates, np.uint8(Outcome.ACCEPTED))


class Segment:
    """An open segment, from its start on. Only records, the start and parameters change it."""

    def __init__(self, start: int, parameters: FoldParameters) -> None:
        self.start = start
        self.parameters = parameters
        self.last: LastRecord | None = None
        self.cells = Cells(parameters.cell_cap)
        self.lost = 0
        self.overflow = 0
        self._repeats = Repeats()
        self._outcomes: list[Outcomes] = []
        self._offsets: list[NDArray[np.int64]] = []

    def fold(self, run: Records, event_time: EventTime) -> dict[int, Rejection]:
        """Fold records, ticks excepted, and return the rejections by position."""
        rejections: dict[int, Rejection] = {}
        parts = []
        for intake in take_in(run.values, run.timestamps_ms, self.cells.keys, self.parameters):
            rejections |= intake.rejections
            if intake.fields:
                parts.append(self._arrays(intake))
        outcomes = np.full(len(run), Outcome.REJECTED, dtype=np.uint8)
        if parts:
            judged = self._judge(joined(parts), event_time)
            outcomes[judged.events.positions] = judged.outcomes()
            self._count(judged)
        self._remember(run, outcomes)
        return rejections

    def fold_tick(self, tick: Records) -> None:
        """Note a tick: it adds nothing."""
        self._remember(tick, np.full(len(tick), Outcome.TICK, dtype=np.uint8))

    @property
    def reached(self) -> int:
        """Offset after the last record folded."""
        return self.start if self.last is None else self.last.offset + 1

    def outcomes(self) -> bytes:
        """Return one `Outcome` a record, in offset order."""
        return np.concatenate(self._outcomes).tobytes()

    def offsets(self) -> NDArray[np.int64]:
        """Return the offset of each record."""
        return np.concatenate(self._offsets)

    def counts(self) -> dict[str, int]:
        """Return the totals of the segment record."""
        by_outcome = np.bincount(np.concatenate(self._outcomes), minlength=len(Outcome)).tolist()
        records, rejected, ticks = sum(by_outcome), by_outcome[Outcome.REJECTED], by_outcome[Outcome.TICK]
        return {
            "records": records,
            "accepted": records - rejected - ticks,
            "rejected": rejected,
            "duplicates": by_outcome[Outcome.DUPLICATE],
            "late": by_outcome[Outcome.LATE],
            "too_late": by_outcome[Outcome.TOO_LATE],
            "ticks": ticks,
            "lost": self.lost,
            "overflow": self.overflow,
        }

    def _arrays(self, intake: Intake) -> EventArrays:
        fields = intake.fields
        statuses = status_codes(fields["status"])
        return EventArrays(
            positions=intake.positions,
            occurred_ms=np.array(fields["occurred_at_ms"], dtype=np.int64),
            keys=intake.keys,
            repeated=self._repeats.find(fields["event_id"]),
            statuses=statuses,
            users=user_registers(fields["user_id"]),
            numbers=whole_numbers(fields, statuses),
        )

    def _judge(self, events: EventArrays, event_time: EventTime) -> Judged:
        before_ms = event_time.advance(events.occurred_ms, events.repeated)
        judged = lateness(events.occurred_ms, before_ms, events.repeated, self.parameters)
        times_ms = np.where(events.repeated | judged.too_late, before_ms, events.occurred_ms)
        return Judged(events, judged, times_ms // PANE_MS)

    def _count(self, judged: Judged) -> None:
        cells = self.cells.place(judged.events.keys, judged.panes, judged.lateness.late)
        self.overflow += self.cells.beyond_cap(cells)
        counted = judged.counted
        if counted.all():
            self._measure(judged.events, cells)
            return
        uncounted = np.array((judged.events.repeated, judged.lateness.too_late), dtype=np.float64)
        self.cells.add(cells, Addends(_UNCOUNTED, uncounted))
        if counted.any():
            self._measure(selected(judged.events, counted), cells[counted])

    def _measure(self, events: EventArrays, cells: CellNumbers) -> None:
        self.cells.add(cells, addends(events.numbers, events.statuses))
        latencies_us = events.numbers[LATENCY]
        bucketed = latencies_us > 0
        self.cells.buckets.add(cells[bucketed], buckets_of(latencies_us[bucketed].astype(np.int64)))
        known = events.users != NO_USER
        self.cells.users.add(cells[known], events.users[known])

    def _remember(self, run: Records, outcomes: Outcomes) -> None:
        self.last = LastRecord(int(run.offsets[-1]), int(run.timestamps_ms[-1]))
        self._outcomes.append(outcomes)
        self._offsets.append(run.offsets)
