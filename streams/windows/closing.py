"""Closing: the watermark passes boundaries; panes are sealed, levels rolled up, windows published and judged.

Boundaries are taken one by one, in the order of event time, so that what follows does not depend on how far the watermark
jumps in one step. One step writes about `OUTPUTS` records at most; what is ready beyond that waits for the next.
"""

from functools import partial
from typing import Final

from ragpulse.schemas.cell import PANE_MS
from ragpulse.streams.windows.aggregate import Aggregate, total_of
from ragpulse.streams.windows.levels import WINDOW_SIZES, WindowSize, floor_to
from ragpulse.streams.windows.lookup import all_events
from ragpulse.streams.windows.outbox import Outbox
from ragpulse.streams.windows.results import Span, window_of
from ragpulse.streams.windows.series import Series
from ragpulse.streams.windows.state import MergerSettings, MergerState

OUTPUTS: Final = 5_000
"""Records a step writes before it stops closing windows: about 0.5 s of work and 8 MB. A jump of the watermark over a
day of silence is 2,880 verdicts on five-minute windows for each service, and the process must beat its fence (8 s)."""
REVISIONS: Final = OUTPUTS // 2
"""Of these, so that a flood of late events does not hold up what is final."""
BOUNDARIES: Final = 8_640
"""Panes a step seals at most: a day."""


def publish_revisions(state: MergerState, out: Outbox) -> None:
    """Publish windows whose events changed since an earlier step, and the verdicts on them."""
    for size_ms, start_ms, series in state.revisions.take_windows(REVISIONS):
        _revise(state, series, _span(state, start_ms, size_ms, out), out)
        state.revisions.mark_verdict(size_ms, start_ms, series.owner)
    for size_ms, start_ms, service in state.revisions.take_verdicts(OUTPUTS - len(out.outputs)):
        state.book.revise(service, _span(state, start_ms, size_ms, out), partial(all_events, state), out)


def _revise(state: MergerState, series: Series, span: Span, out: Outbox) -> None:
    content = state.sealed.content(WINDOW_SIZES[span.size_ms], span.start_ms, series)
    late = total_of(content.late)
    events = Aggregate.merged((total_of(content.on_time), late))
    out.window(window_of(series, span, events, late["count"]))


def _span(state: MergerState, start_ms: int, size_ms: int, out: Outbox) -> Span:
    return Span(start_ms, size_ms, out.revision, state.sources.missing(start_ms, start_ms + size_ms))


def close_windows(state: MergerState, settings: MergerSettings, out: Outbox) -> None:
    """Seal every pane that the watermark has passed and close the windows that end with it."""
    watermark_ms = state.sources.watermark_ms(settings.hold_ms)
    if watermark_ms is None:
        return
    through_ms = state.sealed.through_ms
    if through_ms is None:
        # All on-time cells of panes before the first watermark are known, so the oldest pane is too.
        through_ms = floor_to(watermark_ms, PANE_MS)
        through_ms = min(through_ms, state.open.first_pane_ms() or through_ms)
        state.sealed.through_ms = through_ms
        for source in state.sources.partitions.values():
            if not source.is_past(through_ms):
                source.joined_ms = through_ms  # it was not waited for: what it has from before is still to come
    last_ms = min(floor_to(watermark_ms, PANE_MS), through_ms + BOUNDARIES * PANE_MS)
    for boundary_ms in range(through_ms + PANE_MS, last_ms + 1, PANE_MS):
        if len(out.outputs) >= OUTPUTS:
            return
        _seal(state, boundary_ms)
        state.sealed.roll_up(boundary_ms)
        for size in WINDOW_SIZES.values():
            if size.closes_at(boundary_ms):
                _close(state, size, boundary_ms, out)
        state.book.forget(boundary_ms, out)


def _seal(state: MergerState, boundary_ms: int) -> None:
    pane_ms = boundary_ms - PANE_MS
    state.sealed.through_ms = boundary_ms
    partitions = state.sources.partitions
    for source in partitions.values():
        if not source.is_past(boundary_ms):
            source.miss(pane_ms, boundary_ms)
    lowest = state.sealed.levels[PANE_MS]
    for series, on_time, late in state.open.seal(pane_ms, lambda number: partitions[number].is_past(boundary_ms)):
        if on_time:
            lowest.add(pane_ms, series, on_time, late=False)
            state.book.has_data(series, boundary_ms)
        if late:
            lowest.add(pane_ms, series, late, late=True)


def _close(state: MergerState, size: WindowSize, boundary_ms: int, out: Outbox) -> None:
    """Publish the windows of one size that end at a boundary: on-time events; what is late follows in the next step."""
    span = _span(state, boundary_ms - size.size_ms, size.size_ms, out)
    parts = state.sealed.on_time(size, span.start_ms)
    events = {series: total_of(parts[series]) for series in sorted(parts)}
    for series, aggregate in events.items():
        out.window(window_of(series, span, aggregate))
    state.revisions.mark(size, span.start_ms, sorted(state.sealed.late(size, span.start_ms)))
    state.book.close(span, events, out)


def is_behind(state: MergerState, settings: MergerSettings) -> bool:
    """Say whether more was ready than a step may write."""
    watermark_ms = state.sources.watermark_ms(settings.hold_ms)
    through_ms = state.sealed.through_ms
    return watermark_ms is not None and through_ms is not None and through_ms + PANE_MS <= watermark_ms
