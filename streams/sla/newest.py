"""The newest window of one size of one service, as a running tally: what provisional verdicts are judged on."""

from operator import add, sub
from typing import Final

from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.windows.levels import WindowSize, floor_to

NOTHING: Final = Tally()


class NewestWindow:
    """The window whose last hop holds the event time reached. It only moves on."""

    __slots__ = ("_hops", "_size", "_total", "start_ms")

    def __init__(self, size: WindowSize, head_ms: int) -> None:
        self._size = size
        self._hops: dict[int, list[int]] = {}  # tally by start of the hop
        self._total = list(NOTHING)
        self.start_ms = self._start_ms(head_ms)

    def _start_ms(self, head_ms: int) -> int:
        return floor_to(head_ms, self._size.hop_ms) + self._size.hop_ms - self._size.size_ms

    def count(self, pane_ms: int, tally: Tally, before: Tally) -> None:
        """Count the tally of a cell in the place of the one it had before, unless the window has moved past its pane."""
        hop_ms = floor_to(pane_ms, self._size.hop_ms)
        if hop_ms < self.start_ms:
            return
        change = list(map(sub, tally, before))
        hop = self._hops.get(hop_ms)
        self._hops[hop_ms] = change if hop is None else list(map(add, hop, change))
        self._total = list(map(add, self._total, change))

    def move_to(self, head_ms: int) -> None:
        """Follow the event time reached."""
        start_ms = self._start_ms(head_ms)
        if start_ms <= self.start_ms:
            return
        self.start_ms = start_ms
        for hop_ms in [hop_ms for hop_ms in self._hops if hop_ms < start_ms]:
            self._total = list(map(sub, self._total, self._hops.pop(hop_ms)))

    def tally(self) -> Tally:
        """Return the tally of the window."""
        return Tally(*self._total)
