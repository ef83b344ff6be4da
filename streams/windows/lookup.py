"""Lookup: adds up the events of a window, closed or still open, from whatever level holds them."""

from collections.abc import Iterator

from ragpulse.streams.windows.aggregate import Aggregate, total_of
from ragpulse.streams.windows.levels import PANE_SIZES_MS, WINDOW_SIZES, WindowSize
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Judged, Series
from ragpulse.streams.windows.state import MergerState


def all_events(state: MergerState, judged: Judged, span: Span) -> Aggregate:
    """Return the events that a service is judged on in a closed window, late ones included."""
    names = state.judged_series(*judged)
    contents = [state.sealed.content(WINDOW_SIZES[span.size_ms], span.start_ms, one) for one in names]
    return total_of([part for content in contents for part in (*content.on_time, *content.late)])


def newest_events(state: MergerState, judged: Judged, span: Span) -> Aggregate:
    """Return the on-time events that a service is judged on in a window that may be open: those that its tally counts."""
    return _known(state, judged, WINDOW_SIZES[span.size_ms], range(span.start_ms, span.end_ms))


def hop_events(state: MergerState, judged: Judged, size: WindowSize, start_ms: int) -> Aggregate:
    """Return the on-time events that a service is judged on in one hop of a window size, which may be open."""
    return _known(state, judged, size, range(start_ms, start_ms + size.hop_ms))


def _known(state: MergerState, judged: Judged, size: WindowSize, stretch: range) -> Aggregate:
    names = set(state.judged_series(*judged))
    panes = PANE_SIZES_MS[: PANE_SIZES_MS.index(size.pane_ms) + 1]
    parts = [part for one in names for part in _on_time(state, one, panes, stretch)]
    return total_of([*parts, *_left_out(state, names, stretch)])


def _on_time(state: MergerState, series: Series, panes_ms: tuple[int, ...], stretch: range) -> Iterator[bytes]:
    """Yield the parts of a stretch of event time: whole panes where they are sealed, else those of the level below."""
    *below, pane_ms = panes_ms
    level = state.sealed.levels[pane_ms]
    for start_ms in stretch[::pane_ms]:
        if state.sealed.is_past(start_ms + pane_ms):
            packed = level.on_time.get(start_ms, {}).get(series)
            yield from (packed,) if packed is not None else ()
        elif below:
            yield from _on_time(state, series, tuple(below), range(start_ms, start_ms + pane_ms))
        else:
            pane = state.open.panes.get(start_ms, {}).get(series)
            yield from (*pane.folded, *pane.open.values()) if pane is not None else ()


def _left_out(state: MergerState, series: set[Series], stretch: range) -> Iterator[bytes]:
    """Yield open on-time cells of panes that were sealed without them."""
    partitions = state.sources.partitions
    if not any(source.leaves_out() for source in partitions.values()):
        return
    for (number, _), cells in state.open.segments.items():
        for key, cell in cells.items():
            if (
                key.series in series
                and key.pane_ms in stretch
                and not key.late
                and state.sealed.is_sealed(key.pane_ms)
                and not partitions[number].was_included(key.pane_ms)
            ):
                yield cell.packed
