"""One service that has promises: how far its events have come, its newest windows, what was last said of it."""

from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.sla.judge import Tally
from ragpulse.streams.sla.newest import NewestWindow
from ragpulse.streams.sla.objectives import Promise, Promises
from ragpulse.streams.sla.violations import OpenViolation
from ragpulse.streams.windows.levels import WINDOW_SIZES
from ragpulse.streams.windows.series import Judged, Service

Shown = tuple[str, ...]
"""Status and breached objectives of a provisional verdict: it is published when this changes."""


class Tracked:
    """State of one service. Newest windows and series follow from the panes, so a snapshot leaves them out."""

    __slots__ = ("first_ms", "head_ms", "last_ms", "newest", "promises", "service", "shown", "violations")

    def __init__(self, service: Service, promises: Promises, head_ms: int) -> None:
        self.service = service
        self.promises = promises
        self.head_ms = head_ms  # event time reached
        self.first_ms: int | None = None  # end of its first sealed pane with data; None: not known to final verdicts
        self.last_ms: int | None = None  # end of the last one
        self.newest = {size: NewestWindow(WINDOW_SIZES[size], head_ms) for size in promises.by_size_ms}
        self.shown: dict[int, Shown] = {}  # by window size
        self.violations: dict[tuple[ObjectiveName, int], OpenViolation] = {}

    @property
    def judged_on(self) -> Judged:
        """Return what its promises are judged on."""
        return Judged(self.service, self.promises.operation)

    def count(self, pane_ms: int, tally: Tally, before: Tally) -> None:
        """Count the tally of a cell in the place of the one it had before."""
        if pane_ms > self.head_ms:
            self.move_to(pane_ms)
        for window in self.newest.values():
            window.count(pane_ms, tally, before)

    def move_to(self, head_ms: int) -> None:
        """Note the event time reached; it only rises."""
        self.head_ms = max(self.head_ms, head_ms)
        for window in self.newest.values():
            window.move_to(self.head_ms)

    def has_data(self, end_ms: int) -> None:
        """Note that a sealed pane that ends then holds on-time events."""
        self.first_ms = min(end_ms, self.first_ms or end_ms)
        self.last_ms = max(end_ms, self.last_ms or end_ms)

    def is_judged(self, size_ms: int, end_ms: int) -> bool:
        """Say whether a window of a size that ends then has a final verdict: the service was known, with data or not."""
        return self.first_ms is not None and self.first_ms <= end_ms and size_ms in self.promises.by_size_ms

    def promise(self, name: ObjectiveName, size_ms: int) -> Promise | None:
        """Return the promise with this name if it is judged on windows of this size."""
        promises = self.promises.by_size_ms.get(size_ms, ())
        return next((promise for promise in promises if promise.name is name), None)
