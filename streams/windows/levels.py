"""Levels: windows are sums of panes, and the panes of a level are sums of those of the level below.

::

    panes    10 s ────────────── 5 min ─────────────── 1 h
    windows  1 min, 5 min        30 min, 1 h           6 h, 1 d

A level of panes for each hop (30 s, 10 min and 4 h too) would save a tenth of the work and cost a third more memory:
late events can revise a window for an hour, and so long its panes are kept. Everything is half-open and aligned to the
epoch: pane and window ids are floor divisions.
"""

from dataclasses import dataclass
from typing import Final

from ragpulse.schemas.policy import WINDOW_HOPS_MS

PANE_SIZES_MS: Final = (10_000, 300_000, 3_600_000)
"""Each a multiple of the one before; the first is the pane of a cell."""


@dataclass(frozen=True, slots=True)
class WindowSize:
    """One size of sliding windows, and the panes it is made of."""

    size_ms: int
    hop_ms: int
    pane_ms: int

    def closes_at(self, boundary_ms: int) -> bool:
        """Say whether a window of this size ends at a boundary."""
        return boundary_ms % self.hop_ms == 0

    def panes_of(self, window_start_ms: int) -> range:
        """Return the starts of the panes that make a window."""
        return range(window_start_ms, window_start_ms + self.size_ms, self.pane_ms)

    def hops_of(self, window_start_ms: int) -> range:
        """Return the starts of the hops that make a window."""
        return range(window_start_ms, window_start_ms + self.size_ms, self.hop_ms)

    def windows_over(self, start_ms: int, end_ms: int) -> range:
        """Return the starts of all windows that overlap a stretch of event time [start, end)."""
        return range(floor_to(start_ms, self.hop_ms) - self.size_ms + self.hop_ms, end_ms, self.hop_ms)


def floor_to(at_ms: int, step_ms: int) -> int:
    """Return the last multiple of a step that is not after a time."""
    return at_ms - at_ms % step_ms


def _coarsest_pane_ms(hop_ms: int) -> int:
    return max(pane_ms for pane_ms in PANE_SIZES_MS if hop_ms % pane_ms == 0)


#: All window sizes, smallest first.
WINDOW_SIZES: Final[dict[int, WindowSize]] = {
    size_ms: WindowSize(size_ms, hop_ms, _coarsest_pane_ms(hop_ms))
    for size_ms, hop_ms in sorted(WINDOW_HOPS_MS.items())
}
LONGEST_MS: Final[dict[int, int]] = {
    pane_ms: max(size.size_ms for size in WINDOW_SIZES.values() if size.pane_ms == pane_ms) for pane_ms in PANE_SIZES_MS
}
"""The longest window made of panes of a size: how far back they are needed."""
