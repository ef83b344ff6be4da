"""Revisions: final windows whose events changed since they were published, in the order in which they changed."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

from ragpulse.schemas.cell import PANE_MS
from ragpulse.streams.windows.levels import WINDOW_SIZES, WindowSize
from ragpulse.streams.windows.sealed import SealedPanes
from ragpulse.streams.windows.series import Series, Service

T = TypeVar("T")


class ChangedWindow(NamedTuple):
    """One window of one series."""

    size_ms: int
    start_ms: int
    series: Series


class ChangedVerdict(NamedTuple):
    """One window of one service."""

    size_ms: int
    start_ms: int
    service: Service


class Revisions:
    """Two queues without repeats: one revision reflects all that changed before it is published."""

    def __init__(self, windows: Iterable[ChangedWindow] = (), verdicts: Iterable[ChangedVerdict] = ()) -> None:
        self.windows: dict[ChangedWindow, None] = dict.fromkeys(windows)
        self.verdicts: dict[ChangedVerdict, None] = dict.fromkeys(verdicts)

    def __len__(self) -> int:
        return len(self.windows) + len(self.verdicts)

    def mark(self, size: WindowSize, start_ms: int, series: Iterable[Series]) -> None:
        """Note that a window of some series changed."""
        for one in series:
            self.windows[ChangedWindow(size.size_ms, start_ms, one)] = None

    def mark_pane(self, sealed: SealedPanes, pane_ms: int, series: Series) -> None:
        """Note that a sealed pane of a series changed: every final window over it did."""
        for size, start_ms in final_windows(sealed, pane_ms, pane_ms + PANE_MS):
            self.mark(size, start_ms, (series,))

    def mark_verdict(self, size_ms: int, start_ms: int, service: Service) -> None:
        """Note that what a verdict stands on changed."""
        self.verdicts[ChangedVerdict(size_ms, start_ms, service)] = None

    def take_windows(self, limit: int) -> Iterator[ChangedWindow]:
        """Remove and return the next windows to publish."""
        return _take(self.windows, limit)

    def take_verdicts(self, limit: int) -> Iterator[ChangedVerdict]:
        """Remove and return the next verdicts to publish."""
        return _take(self.verdicts, limit)


def _take(queue: dict[T, None], limit: int) -> Iterator[T]:
    for one in list(islice(queue, max(0, limit))):
        del queue[one]
        yield one


def final_windows(sealed: SealedPanes, start_ms: int, end_ms: int) -> Iterator[tuple[WindowSize, int]]:
    """Return the closed windows over a stretch of event time that can still be revised: their sizes and starts."""
    for size in WINDOW_SIZES.values():
        for window_ms in size.windows_over(start_ms, end_ms):
            if sealed.is_past(window_ms + size.size_ms) and not sealed.has_dropped(size, window_ms):
                yield size, window_ms
