"""Sealed panes of all levels, packed. A pane is rolled up from the level below as it ends; then only what comes late is added.

On-time and late events are kept apart: final windows are sums of the first, revisions of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from ragpulse.streams.windows.aggregate import merge_packed
from ragpulse.streams.windows.levels import LONGEST_MS, PANE_SIZES_MS, WindowSize, floor_to
from ragpulse.streams.windows.series import Series

Panes = dict[int, dict[Series, bytes]]
"""Packed aggregates by start of the pane and series."""


class Content(NamedTuple):
    """What a window holds."""

    on_time: list[bytes]
    late: list[bytes]


class PaneLevel:
    """The sealed panes of one size."""

    def __init__(self, pane_ms: int) -> None:
        self.pane_ms = pane_ms
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


class SealedPanes:
    """All levels. ``through_ms`` is the end of the last sealed 10 s pane; None before the first."""

    def __init__(self) -> None:
        self.levels = {pane_ms: PaneLevel(pane_ms) for pane_ms in PANE_SIZES_MS}
        self.through_ms: int | None = None

    def is_past(self, end_ms: int) -> bool:
        """Say whether a pane or window that ends then is sealed."""
        return self.through_ms is not None and end_ms <= self.through_ms

    def is_sealed(self, pane_ms: int) -> bool:
        """Say whether the 10 s pane that begins then is sealed."""
        return self.through_ms is not None and pane_ms < self.through_ms

    def has_dropped(self, size: WindowSize, start_ms: int) -> bool:
        """Say whether panes of a window were dropped."""
        return self.levels[size.pane_ms].has_dropped(start_ms)

    def add(self, series: Series, pane_ms: int, packed: bytes, *, late: bool) -> bool:
        """Add events to a sealed 10 s pane and to every level that has rolled it up; False if all have dropped it."""
        is_placed = False
        for level in self.levels.values():
            start_ms = floor_to(pane_ms, level.pane_ms)
            if not self.is_past(start_ms + level.pane_ms):
                break  # this level and those above are rolled up later
            if not level.has_dropped(start_ms):
                level.add(start_ms, series, [packed], late=late)
                is_placed = True
        return is_placed

    def roll_up(self, end_ms: int) -> None:
        """Roll up every level that has a pane ending at a boundary."""
        for below, level in pairwise(self.levels.values()):
            if end_ms % level.pane_ms == 0:
                start_ms = end_ms - level.pane_ms
                children = range(start_ms, end_ms, below.pane_ms)
                for late, panes in ((False, below.on_time), (True, below.late)):
                    for series, parts in _by_series(children, panes).items():
                        level.add(start_ms, series, parts, late=late)

    def on_time(self, size: WindowSize, start_ms: int) -> dict[Series, list[bytes]]:
        """Return the on-time parts of a window by series."""
        return _by_series(size.panes_of(start_ms), self.levels[size.pane_ms].on_time)

    def late(self, size: WindowSize, start_ms: int) -> dict[Series, list[bytes]]:
        """Return the late parts of a window by series."""
        return _by_series(size.panes_of(start_ms), self.levels[size.pane_ms].late)

    def content(self, size: WindowSize, start_ms: int, series: Series) -> Content:
        """Return what one series has in a window."""
        level, starts = self.levels[size.pane_ms], size.panes_of(start_ms)
        return Content(_of_series(starts, level.on_time, series), _of_series(starts, level.late, series))

    def drop(self, settled_ms: int) -> None:
        """Forget the panes that no window needs which events from a time on can still change."""
        for level in self.levels.values():
            level.drop(floor_to(settled_ms - LONGEST_MS[level.pane_ms], level.pane_ms))

    def series(self) -> Iterator[Series]:
        """Return every series that has a sealed pane; one may come several times."""
        for level in self.levels.values():
            for panes in (level.on_time, level.late):
                for pane in panes.values():
                    yield from pane


def _by_series(starts: Iterable[int], panes: Panes) -> dict[Series, list[bytes]]:
    parts: defaultdict[Series, list[bytes]] = defaultdict(list)
    for start_ms in starts:
        for series, packed in panes.get(start_ms, {}).items():
            parts[series].append(packed)
    return parts


def _of_series(starts: Iterable[int], panes: Panes, series: Series) -> list[bytes]:
    found = (panes.get(start_ms, {}).get(series) for start_ms in starts)
    return [packed for packed in found if packed is not None]
