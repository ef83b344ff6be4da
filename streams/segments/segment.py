"""One open segment: what its records add up to, and what became of each."""

from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, PANE_MS
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.distinct import register_of
from ragpulse.streams.histogram import buckets_of
from ragpulse.streams.segments.cells import CellNumbers, Cells
from ragpulse.streams.segments.event_columns import Columns
from ragpulse.streams.segments.event_time import EventTime, Lateness, lateness
from ragpulse.streams.segments.intake import take_in
from ragpulse.streams.segments.measurements import addends, latencies_us_of
from ragpulse.streams.segments.outcome import Outcome
from ragpulse.streams.segments.records import LastRecord, Records
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.repeats import Repeats

Outcomes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Judged:
    """Accepted events of a run and what is to become of them."""

    columns: Columns
    repeated: NDArray[np.bool_]
    lateness: Lateness
    panes: NDArray[np.int64]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which events are measured; the others are only counted, as repeats or as too late."""
        return ~(self.repeated | self.lateness.too_late)

    def outcomes(self) -> Outcomes:
        """Return what becomes of each event."""
        verdicts = (
            (self.repeated, Outcome.DUPLICATE),
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
        intake = take_in(run.values, run.timestamps_ms, self.parameters)
        outcomes = np.full(len(run), Outcome.REJECTED, dtype=np.uint8)
        if len(intake.positions):
            judged = self._judge(intake.columns, event_time)
            outcomes[intake.positions] = judged.outcomes()
            self._count(judged)
        self._remember(run, outcomes)
        return intake.rejections

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

    def _judge(self, columns: Columns, event_time: EventTime) -> Judged:
        occurred = np.array(columns["occurred_at_ms"], dtype=np.int64)
        repeated = self._repeats.find(columns["event_id"])
        before = event_time.advance(occurred, repeated)
        judged = lateness(occurred, before, repeated, self.parameters)
        panes = np.where(repeated | judged.too_late, before, occurred) // PANE_MS
        return Judged(columns, repeated, judged, panes)

    def _count(self, judged: Judged) -> None:
        cells = self.cells.place(judged.columns, judged.panes, judged.lateness.late)
        self.overflow += self.cells.beyond_cap(cells)
        counted = judged.counted
        if counted.all():
            self._measure(judged.columns, cells)
            return
        self.cells.add(
            cells, [(COLUMN["duplicate_count"], judged.repeated), (COLUMN["too_late_count"], judged.lateness.too_late)]
        )
        if counted.any():
            kept = {name: tuple(compress(column, counted)) for name, column in judged.columns.items()}
            self._measure(kept, cells[counted])

    def _measure(self, columns: Columns, cells: CellNumbers) -> None:
        latencies_us = latencies_us_of(columns)
        self.cells.add(cells, addends(columns, latencies_us))
        bucketed = latencies_us > 0
        self.cells.buckets.add(cells[bucketed], buckets_of(latencies_us[bucketed]))
        users = [-1 if user is None else register_of(user) for user in columns["user_id"]]
        registers = np.array(users, dtype=np.int64)
        self.cells.users.add(cells[registers >= 0], registers[registers >= 0])

    def _remember(self, run: Records, outcomes: Outcomes) -> None:
        self.last = LastRecord(int(run.offsets[-1]), int(run.timestamps_ms[-1]))
        self._outcomes.append(outcomes)
        self._offsets.append(run.offsets)
