"""Revisions: final windows whose events changed since they were published, in the order in which they changed."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ragpulse.schemas.cell import PANE_MS
from ragpulse.streams.windows.levels import WINDOW_SIZES, WindowSize
from ragpulse.streams.windows.sealed import SealedPanes
from ragpulse.streams.windows.series import Series


class Changed(NamedTuple):
    """One window of one series."""

    size_ms: int
    start_ms: int
    series: Series


class Revisions:
    """A queue without repeats: one revision reflects all that changed before it is published."""

    def __init__(self, changed: Iterable[Changed] = ()) -> None:
        self.queue: dict[Changed, None] = dict.fromkeys(changed)

    def mark(self, size: WindowSize, start_ms: int, series: Iterable[Series]) -> None:
        """Note that a window of some series changed."""
        for one in series:
            self.queue[Changed(size.size_ms, start_ms, one)] = None

    def mark_pane(self, sealed: SealedPanes, pane_ms: int, series: Series) -> None:
        """Note that a sealed pane of a series changed: every final window over it did."""
        for size, start_ms in final_windows(sealed, pane_ms, pane_ms + PANE_MS):
            self.mark(size, start_ms, (series,))

    def take(self, limit: int) -> Iterator[Changed]:
        """Remove and return the next windows to publish."""
        for changed in list(islice(self.queue, limit)):
            del self.queue[changed]
            yield changed


def final_windows(sealed: SealedPanes, start_ms: int, end_ms: int) -> Iterator[tuple[WindowSize, int]]:
    """Return the closed windows over a stretch of event time that can still be revised: their sizes and starts."""
    for size in WINDOW_SIZES.values():
        for window_ms in size.windows_over(start_ms, end_ms):
            if sealed.is_past(window_ms + size.size_ms) and not sealed.has_dropped(size, window_ms):
                yield size, window_ms
