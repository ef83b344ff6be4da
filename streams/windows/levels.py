"""Levels: each window size is a sum of panes of its own hop, and each level's panes are sums of those below.

::

    pane    10 s ── 30 s ── 5 m ── 10 m ── 1 h ── 4 h
    window   1 m     5 m    30 m     1 h    6 h   1 d

Everything is half-open and aligned to the epoch: pane and window ids are floor divisions.
"""

from dataclasses import dataclass
from typing import Final

from ragpulse.schemas.policy import WINDOW_HOPS_MS


@dataclass(frozen=True, slots=True)
class Level:
    """One window size. Windows begin at every pane, so ``pane_ms`` is also the hop."""

    index: int
    pane_ms: int
    window_ms: int

    def closes_at(self, boundary_ms: int) -> bool:
        """Say whether a pane, and so a window, of this level ends at a boundary."""
        return boundary_ms % self.pane_ms == 0

    def panes_of(self, window_start_ms: int) -> range:
        """Return the starts of the panes that make a window."""
        return range(window_start_ms, window_start_ms + self.window_ms, self.pane_ms)

    def windows_over(self, start_ms: int, end_ms: int) -> range:
        """Return the starts of all windows that overlap a stretch of event time [start, end)."""
        return range(floor_to(start_ms, self.pane_ms) - self.window_ms + self.pane_ms, end_ms, self.pane_ms)


def floor_to(at_ms: int, step_ms: int) -> int:
    """Return the last multiple of a step that is not after a time."""
    return at_ms - at_ms % step_ms


LEVELS: Final[tuple[Level, ...]] = tuple(
    Level(index, hop_ms, size_ms) for index, (size_ms, hop_ms) in enumerate(sorted(WINDOW_HOPS_MS.items()))
)
LEVEL_OF_SIZE: Final[dict[int, Level]] = {level.window_ms: level for level in LEVELS}
