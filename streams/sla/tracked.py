"""One service that has promises: how far its events have come, its running tallies, what was last said of it."""

from dataclasses import dataclass, field
from typing import Final

from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.sla.objectives import Promise, Promises
from ragpulse.streams.sla.violations import OpenViolation
from ragpulse.streams.windows.levels import LEVEL_OF_SIZE, floor_to
from ragpulse.streams.windows.series import Series, Service

NOTHING: Final = Tally()

Shown = tuple[str, ...]
"""Status and breached objectives of a provisional verdict: it is published when this changes."""


@dataclass(slots=True)
class Tracked:
    """State of one service. Tallies follow from the panes, so a snapshot leaves them out."""

    service: Service
    promises: Promises
    head_ms: int  # event time reached: its newest windows end after it
    last_ms: int | None = None  # end of its last sealed pane with data; None: not known to final verdicts
    series: dict[Series, None] = field(default_factory=dict)  # its variants, of the judged operation
    tallies: dict[int, dict[int, Tally]] = field(default_factory=dict)  # by window size, by start of the hop
    shown: dict[int, Shown] = field(default_factory=dict)
    violations: dict[tuple[ObjectiveName, int], OpenViolation] = field(default_factory=dict)

    def count(self, pane_ms: int, tally: Tally, before: Tally) -> None:
        """Take a cell's tally in the place of the one it had before."""
        self.head_ms = max(self.head_ms, pane_ms)
        for size_ms in self.promises.by_size_ms:
            hops = self.tallies.setdefault(size_ms, {})
            hop_ms = floor_to(pane_ms, LEVEL_OF_SIZE[size_ms].pane_ms)
            added = zip(hops.get(hop_ms, NOTHING), tally, before, strict=True)
            hops[hop_ms] = Tally(*[total + new - old for total, new, old in added])

    def newest_start_ms(self, size_ms: int) -> int:
        """Return the start of the newest window: the one whose last hop holds the event time reached."""
        hop_ms = LEVEL_OF_SIZE[size_ms].pane_ms
        return floor_to(self.head_ms, hop_ms) + hop_ms - size_ms

    def newest_tally(self, size_ms: int) -> Tally:
        """Return the tally of the newest window, and forget what lies before it."""
        start_ms = self.newest_start_ms(size_ms)
        hops = self.tallies.get(size_ms, {})
        for hop_ms in [hop_ms for hop_ms in hops if hop_ms < start_ms]:
            del hops[hop_ms]
        return Tally(*map(sum, zip(*hops.values(), strict=True))) if hops else NOTHING

    def promise(self, name: ObjectiveName, size_ms: int) -> Promise | None:
        """Return the promise with this name if it is judged on windows of this size."""
        promises = self.promises.by_size_ms.get(size_ms, ())
        return next((promise for promise in promises if promise.name is name), None)
