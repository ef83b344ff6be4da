"""Sealed panes of all levels, packed. A pane of a level is rolled up from those below as it ends; then only what comes late is added.

On-time and late events are kept apart: final windows are sums of the first, revisions of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ragpulse.streams.windows.aggregate import Aggregate, merge_packed, total_of
from ragpulse.streams.windows.levels import LEVELS, Level, floor_to
from ragpulse.streams.windows.series import Series

Panes = dict[int, dict[Series, bytes]]
"""Packed aggregates by start of the pane and series."""


class Content(NamedTuple):
    """What a window holds, in packed parts."""

    on_time: list[bytes]
    late: list[bytes]

    def events(self) -> Aggregate:
        """Return all events, late ones included."""
        return total_of([*self.on_time, *self.late])


class SealedLevel:
    """The sealed panes of one level."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.on_time: Panes = {}
        self.late: Panes = {}
        self.dropped_before_ms: int | None = None

    def has_dropped(self, start_ms: int) -> bool:
        """Say whether a pane that begins then was dropped: nothing may create it again."""
        return self.dropped_before_ms is not None and start_ms < self.dropped_before_ms

    def add(self, start_ms: int, series: Series, parts: list[bytes], *, late: bool) -> None:
        """Add events to a pane."""
        panes = self.late if late else self.on_time
        pane = panes.setdefault(start_ms, {})
        before = pane.get(series)
        pane[series] = merge_packed(parts if before is None else [before, *parts])

    def drop(self, before_ms: int) -> None:
        """Forget the panes that begin before a time."""
        if self.dropped_before_ms is not None and before_ms <= self.dropped_before_ms:
            return
        self.dropped_before_ms = before_ms
        for panes in (self.on_time, self.late):
            for start_ms in [start_ms for start_ms in panes if start_ms < before_ms]:
                del panes[start_ms]

    def parts_of(self, starts: Iterable[int], panes: Panes) -> dict[Series, list[bytes]]:
        """Return the parts of all series in several panes."""
        parts: defaultdict[Series, list[bytes]] = defaultdict(list)
        for start_ms in starts:
            for series, packed in panes.get(start_ms, {}).items():
                parts[series].append(packed)
        return parts

    def series_in(self, window_start_ms: int) -> list[Series]:
        """Return every series that has events in a window, in order."""
        starts = self.level.panes_of(window_start_ms)
        found = {series for start in starts for panes in (self.on_time, self.late) for series in panes.get(start, ())}
        return sorted(found)

    def content(self, window_start_ms: int, series: Series) -> Content:
        """Return what one series has in a window."""
        starts = self.level.panes_of(window_start_ms)
        on_time = [self.on_time[start][series] for start in starts if series in self.on_time.get(start, ())]
        late = [self.late[start][series] for start in starts if series in self.late.get(start, ())]
        return Content(on_time, late)


class SealedPanes:
    """All levels. ``through_ms`` is the end of the last sealed pane; None before the first."""

    def __init__(self) -> None:
        self.levels = [SealedLevel(level) for level in LEVELS]
        self.through_ms: int | None = None

    def is_sealed(self, pane_ms: int) -> bool:
        """Say whether a 10 s pane is sealed."""
        return self.through_ms is not None and pane_ms < self.through_ms

    def add(self, series: Series, pane_ms: int, packed: bytes, *, late: bool) -> bool:
        """Add events to a sealed 10 s pane and to every level that has rolled it up; False if all have dropped it."""
        is_placed = False
        for sealed in self.levels:
            start_ms = floor_to(pane_ms, sealed.level.pane_ms)
            if not self.is_sealed(start_ms + sealed.level.pane_ms - 1):
                break  # this level and those above are rolled up later
            if not sealed.has_dropped(start_ms):
                sealed.add(start_ms, series, [packed], late=late)
                is_placed = True
        return is_placed

    def roll_up(self, end_ms: int) -> Iterator[SealedLevel]:
        """Roll up every level that has a pane ending at a boundary; yield each level as it is ready, lowest first."""
        yield self.levels[0]
        for below, sealed in zip(self.levels, self.levels[1:], strict=False):
            if not sealed.level.closes_at(end_ms):
                return
            start_ms = end_ms - sealed.level.pane_ms
            children = range(start_ms, end_ms, below.level.pane_ms)
            for late, panes in ((False, below.on_time), (True, below.late)):
                for series, parts in below.parts_of(children, panes).items():
                    sealed.add(start_ms, series, parts, late=late)
            yield sealed

    def drop(self, settled_ms: int) -> None:
        """Forget the panes that no window needs which events from a time on can still change."""
        for sealed in self.levels:
            sealed.drop(floor_to(settled_ms - sealed.level.window_ms, sealed.level.pane_ms))

    def series(self) -> Iterator[Series]:
        """Return every series that has a sealed pane; one may come several times."""
        for sealed in self.levels:
            for panes in (sealed.on_time, sealed.late):
                for pane in panes.values():
                    yield from pane
