"""Lookup: adds up the events of a window, closed or still open, from whatever level holds them."""

from collections.abc import Iterable, Iterator

from ragpulse.streams.windows.aggregate import Aggregate, total_of
from ragpulse.streams.windows.levels import LEVEL_OF_SIZE, Level
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Series
from ragpulse.streams.windows.state import MergerState


def all_events(state: MergerState, series: Iterable[Series], span: Span) -> Aggregate:
    """Return the events of some series in a closed window, late ones included."""
    sealed = state.sealed.levels[LEVEL_OF_SIZE[span.size_ms].index]
    contents = [sealed.content(span.start_ms, one) for one in series]
    return total_of([part for content in contents for part in (*content.on_time, *content.late)])


def newest_events(state: MergerState, series: Iterable[Series], span: Span) -> Aggregate:
    """Return the on-time events of some series in a window that may be open: the same that running tallies count."""
    return _known(state, series, LEVEL_OF_SIZE[span.size_ms], range(span.start_ms, span.end_ms))


def hop_events(state: MergerState, series: Iterable[Series], level: Level, start_ms: int) -> Aggregate:
    """Return the on-time events of some series in one pane of a level, which may be open."""
    return _known(state, series, level, range(start_ms, start_ms + level.pane_ms))


def _known(state: MergerState, series: Iterable[Series], level: Level, stretch: range) -> Aggregate:
    names = set(series)
    parts = [part for one in names for part in _on_time(state, one, level.index, stretch)]
    return total_of([*parts, *_left_out(state, names, stretch)])


def _on_time(state: MergerState, series: Series, level: int, stretch: range) -> Iterator[bytes]:
    """Yield the parts of a stretch of event time: whole panes where they are sealed, else those of the level below."""
    sealed = state.sealed.levels[level]
    for start_ms in stretch[:: sealed.level.pane_ms]:
        end_ms = start_ms + sealed.level.pane_ms
        if state.sealed.is_sealed(end_ms - 1):
            packed = sealed.on_time.get(start_ms, {}).get(series)
            yield from (packed,) if packed is not None else ()
        elif level:
            yield from _on_time(state, series, level - 1, range(start_ms, end_ms))
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
