"""The fast fold equals the naive one, however the log is split into polls, whenever changes are taken, wherever it restarts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ragpulse.schemas.cell import COLUMN
from ragpulse.schemas.window_partial import Cell, SegmentCells
from ragpulse.streams.segments.outcome import Outcome
from ragpulse.streams.segments.partition_fold import ClosedSegment, PartitionFold
from ragpulse.streams.segments.pins import Wanted
from reference_fold import LogRecord, ReferenceSegment, reference_segments
from source_logs import fold, logs, new_fold, small_parameters

PARAMETERS = small_parameters()
#: By segment start: what readers keep of all that was published.
Kept = dict[int, tuple[int, dict[tuple[Any, ...], Cell]]]


def keep(kept: Kept, changes: dict[int, list[SegmentCells]]) -> None:
    """Replace, never add, as readers do."""
    for segments in changes.values():
        for segment in segments:
            _, cells = kept.get(segment.start, (0, {}))
            assert list(map(key_of, segment.cells)) == sorted(map(key_of, segment.cells))
            cells.update({key_of(cell): cell for cell in segment.cells})
            kept[segment.start] = (segment.reached, cells)


def key_of(cell: Cell) -> tuple[Any, ...]:
    return (cell.tenant, cell.service, cell.operation, cell.variant, cell.pane_start_ms, cell.late)


def target_of(service: str) -> int:
    return len(service) % 2


class Run:
    """A worker's reading of a log, with everything that it put out."""

    def __init__(self, partition: PartitionFold) -> None:
        self.partition = partition
        self.closed: list[ClosedSegment] = []
        self.rejections: list[Any] = []
        self.kept: Kept = {}

    def read(self, records: list[LogRecord], *, flush: bool) -> None:
        step = fold(self.partition, records)
        assert step.consumed == len(records)
        self.closed += step.closed
        self.rejections += step.rejections
        if flush:
            keep(self.kept, self.partition.take_changes(target_of))

    def published(self) -> dict[int, list[Cell]]:
        keep(self.kept, self.partition.take_changes(target_of))
        return {start: [cells[key] for key in sorted(cells)] for start, (_, cells) in self.kept.items()}


def read_at_once(records: list[LogRecord]) -> Run:
    run = Run(new_fold(PARAMETERS))
    run.read(records, flush=False)
    return run


def read_in_polls(records: list[LogRecord], polls: list[tuple[int, bool]]) -> Run:
    """Read with polls of the sizes given (again and again), flushing after those that say so."""
    run, position = Run(new_fold(PARAMETERS)), 0
    while position < len(records):
        for size, flush in polls:
            run.read(records[position : position + size], flush=flush)
            position += size
    return run


def as_reference(segment: ReferenceSegment) -> tuple[Any, ...]:
    return (segment.start, segment.end, segment.counts(), segment.event_time_ms, segment.outcomes)


def as_compared(closed: ClosedSegment) -> tuple[Any, ...]:
    outcomes = [Outcome(outcome).name for outcome in closed.outcomes]
    return (closed.record.start, closed.record.end, closed.record.counts, closed.record.pins.event_time_ms, outcomes)


@given(logs())
def test_the_fold_equals_one_event_at_a_time_in_plain_python(records: list[LogRecord]) -> None:
    expected = reference_segments(records, PARAMETERS)

    actual = read_at_once(records)

    assert [as_reference(segment) for segment in expected[:-1]] == [as_compared(closed) for closed in actual.closed]
    assert {segment.start: segment.wire_cells() for segment in expected if segment.cells} == actual.published()
    rejected = [fault for segment in expected for fault in segment.rejected]
    assert rejected == [(rejection.offset, rejection.reason.value) for rejection in actual.rejections]
    assert expected[-1].end == actual.partition.position
    highest = expected[-1].event_time_ms
    assert (None if highest is None else highest - PARAMETERS.disorder_ms) == actual.partition.watermark_ms


POLLS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1).filter(
    lambda polls: any(size for size, _ in polls)
)


@given(logs(), POLLS)
def test_poll_sizes_and_flush_times_change_nothing(records: list[LogRecord], polls: list[tuple[int, bool]]) -> None:
    expected = read_at_once(records)

    actual = read_in_polls(records, polls)

    assert [segment.record for segment in expected.closed] == [segment.record for segment in actual.closed]
    assert [segment.outcomes for segment in expected.closed] == [segment.outcomes for segment in actual.closed]
    assert expected.published() == actual.published()
    assert expected.rejections == actual.rejections
    assert expected.partition.progress(0, 4) == actual.partition.progress(0, 4)


@given(logs(), st.data())
def test_a_worker_that_begins_at_any_committed_segment_end_produces_the_same(
    records: list[LogRecord], data: st.DataObject
) -> None:
    expected = read_at_once(records)
    at = data.draw(st.integers(0, len(expected.closed)), label="segments committed")
    if at == 0:
        return
    committed = expected.closed[at - 1].record
    restarted = PartitionFold("rag.query-events", 0, committed.end, committed.pins, Wanted(PARAMETERS, "policy-1"))

    actual = Run(restarted)
    actual.read([record for record in records if record.offset >= committed.end], flush=False)

    assert [segment.record for segment in expected.closed[at:]] == [segment.record for segment in actual.closed]
    later = {start: cells for start, cells in expected.published().items() if start >= committed.end}
    assert later == actual.published()


@given(logs())
def test_what_was_produced_reconciles(records: list[LogRecord]) -> None:
    run = read_at_once([*records, *closing_tick(records)])

    for segment in run.closed:
        counts = segment.record.counts
        cells = run.published().get(segment.record.start, [])
        counted, duplicates, too_late = (sum_of(cells, name) for name in ("count", "duplicate_count", "too_late_count"))
        assert counts["records"] == counts["accepted"] + counts["rejected"] + counts["ticks"]
        assert counts["accepted"] == counted + duplicates + too_late
        assert (counts["duplicates"], counts["too_late"]) == (duplicates, too_late)
        assert len(segment.outcomes) == len(segment.offsets) == counts["records"]


def closing_tick(records: list[LogRecord]) -> list[LogRecord]:
    return [LogRecord(records[-1].offset + 1, records[-1].append_ms, b"", tick=True)] if records else []


def sum_of(cells: list[Cell], name: str) -> int:
    return sum(cell.totals[COLUMN[name]] for cell in cells if len(cell.totals) > COLUMN[name])
