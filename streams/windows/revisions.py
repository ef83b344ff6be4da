"""Revisions: final windows whose events changed since they were published, in the order in which they changed."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ragpulse.schemas.cell import PANE_MS
from ragpulse.streams.windows.levels import Level
from ragpulse.streams.windows.sealed import SealedPanes
from ragpulse.streams.windows.series import Series


class Changed(NamedTuple):
    """One window of one series."""

    level: int
    start_ms: int
    series: Series


class Revisions:
    """A queue without repeats: one revision reflects all that changed before it is published."""

    def __init__(self, changed: Iterable[Changed] = ()) -> None:
        self.queue: dict[Changed, None] = dict.fromkeys(changed)

    def mark(self, level: Level, start_ms: int, series: Iterable[Series]) -> None:
        """Note that a window of some series changed."""
        for one in series:
            self.queue[Changed(level.index, start_ms, one)] = None

    def mark_pane(self, sealed: SealedPanes, pane_ms: int, series: Series) -> None:
        """Note that a sealed pane of a series changed: every final window over it did."""
        for level in sealed.levels:
            for start_ms in level.level.windows_over(pane_ms, pane_ms + PANE_MS):
                if is_final(sealed, level.level, start_ms) and not level.has_dropped(start_ms):
                    self.mark(level.level, start_ms, (series,))

    def take(self, limit: int) -> Iterator[Changed]:
        """Remove and return the next windows to publish."""
        for changed in list(islice(self.queue, limit)):
            del self.queue[changed]
            yield changed


def is_final(sealed: SealedPanes, level: Level, start_ms: int) -> bool:
    """Say whether a window was closed."""
    return sealed.through_ms is not None and start_ms + level.window_ms <= sealed.through_ms
