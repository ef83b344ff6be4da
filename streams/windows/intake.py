"""Intake of a flush: cells replace by identity, progress raises watermarks and folds what is committed."""

from ragpulse.schemas.cell import PANE_MS
from ragpulse.schemas.window_partial import Cell, Flush, Progress, SegmentCells
from ragpulse.streams.sla.newest import NOTHING
from ragpulse.streams.windows.aggregate import Aggregate, pack_cell
from ragpulse.streams.windows.levels import floor_to
from ragpulse.streams.windows.panes import CellKey, OpenCell, SegmentId
from ragpulse.streams.windows.progress import SourcePartition
from ragpulse.streams.windows.revisions import final_windows
from ragpulse.streams.windows.series import Service, series_of
from ragpulse.streams.windows.state import MergerState

Touched = dict[Service, None]
"""Services whose tallies changed, in the order of the flush."""


def take_flush(state: MergerState, flush: Flush) -> Touched:
    """Take all of a flush; return the services that its cells changed."""
    touched: Touched = {}
    for segment in flush.segments:
        if _is_current(state, segment.topic_id):
            _take_segment(state, segment, touched)
    for progress in flush.progress:
        if _is_current(state, progress.topic_id):
            _take_progress(state, progress)
    return touched


def _is_current(state: MergerState, topic_id: str) -> bool:
    sources = state.sources
    if sources.is_new(topic_id):
        # The old topic is gone and nobody will commit its open segments: what they counted did happen.
        for number, source in sources.partitions.items():
            _fold(state, number, source, before=None)
        sources.begin(topic_id)
    return topic_id == sources.topic_id


def _take_segment(state: MergerState, segment: SegmentCells, touched: Touched) -> None:
    state.sources.expect(segment.partition + 1, state.sealed.through_ms)
    source = state.sources.partitions[segment.partition]
    if segment.start < source.folded_through:
        return  # folded before: a replay, or a worker that does not know yet that it lost the partition
    identity = (segment.partition, segment.start)
    for cell in segment.cells:
        if _take_cell(state, source, identity, segment.reached, cell):
            touched[Service(cell.tenant, cell.service)] = None


def _take_cell(state: MergerState, source: SourcePartition, segment: SegmentId, reached: int, cell: Cell) -> bool:
    """Keep a cell if it is further than what is known; say whether a service's tallies changed."""
    pane_ms, late = cell.pane_start_ms, cell.late
    key = CellKey(state.name(series_of(cell)), pane_ms, late)
    held = state.open.held(segment, key)
    if held is not None and held.reached >= reached:
        return False
    is_sealed = state.sealed.is_sealed(pane_ms)
    if is_sealed and not late and source.was_included(pane_ms):
        return False  # its watermark has passed: the pane was sealed with the same content
    tally = NOTHING if late else state.book.count(key.series, cell, held.tally if held is not None else NOTHING)
    state.open.replace(segment, key, OpenCell(reached, pack_cell(cell), tally), is_sealed=is_sealed)
    return tally is not NOTHING


def _take_progress(state: MergerState, progress: Progress) -> None:
    state.sources.expect(progress.partition_count, state.sealed.through_ms)
    source = state.sources.hear(progress)
    _fold(state, progress.partition, source, before=source.folded_through)
    source.forget_joining()
    if source.holes and source.watermark_ms is not None:
        _fill_holes(state, progress.partition, source, source.watermark_ms)


def _fold(state: MergerState, partition: int, source: SourcePartition, before: int | None) -> None:
    for segment, key, cell in state.open.take(partition, before):
        if not state.sealed.is_sealed(key.pane_ms):
            state.open.fold(segment, key, cell)
        elif key.late or not source.was_included(key.pane_ms):
            _add_to_sealed(state, source, key, cell)


def _add_to_sealed(state: MergerState, source: SourcePartition, key: CellKey, cell: OpenCell) -> None:
    """Add late events, or on-time ones that their pane was sealed without."""
    if not state.sealed.add(key.series, key.pane_ms, cell.packed, late=key.late):
        state.unplaced += Aggregate.from_bytes(cell.packed)["count"]
        return
    if not key.late:
        state.book.has_data(key.series, key.pane_ms + PANE_MS)
    if key.late or not source.is_in_hole(key.pane_ms):
        # What falls in a hole is told when the hole is closed, once for each window and not for each segment.
        state.revisions.mark_pane(state.sealed, key.pane_ms, key.series)


def _fill_holes(state: MergerState, partition: int, source: SourcePartition, watermark_ms: int) -> None:
    """Close what is known and folded again, and revise the windows that no longer miss this partition."""
    through_ms = floor_to(watermark_ms, PANE_MS)
    unfolded_ms = state.open.oldest_unfolded_ms(partition, source.holes)
    for start_ms, end_ms in source.fill_holes(through_ms if unfolded_ms is None else min(through_ms, unfolded_ms)):
        for size, window_ms in final_windows(state.sealed, start_ms, end_ms):
            if not source.is_missing(window_ms, window_ms + size.size_ms):
                on_time, late = state.sealed.on_time(size, window_ms), state.sealed.late(size, window_ms)
                state.revisions.mark(size, window_ms, sorted({*on_time, *late}))
                for service in state.book.judged_services(size.size_ms, window_ms + size.size_ms):
                    # Also where it has no data: that verdict said that some may be missing.
                    state.revisions.mark_verdict(size.size_ms, window_ms, service)
