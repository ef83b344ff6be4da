"""State of one target partition: all that a step reads and changes."""

from dataclasses import dataclass, field
from typing import Final

from ragpulse.schemas.policy import Policy
from ragpulse.streams.sla.book import ServiceBook
from ragpulse.streams.windows.panes import OpenPanes
from ragpulse.streams.windows.progress import Sources
from ragpulse.streams.windows.revisions import Revisions
from ragpulse.streams.windows.sealed import SealedPanes
from ragpulse.streams.windows.series import Series, Service

_NAMES_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class MergerSettings:
    """Limits of time. All are compared with times in the log."""

    disorder_ms: int = 10_000  # how far a watermark stays behind the highest event time
    lateness_ms: int = 3_600_000  # how long a window can be revised
    silence_ms: int = 15_000  # a source partition not heard of for that long is reported
    hold_ms: int = 900_000  # and after that long no longer waited for
    source_topic: str = "rag.query-events"  # as people know it, for messages
    reports_health: bool = True  # of the mergers of all target partitions one should


@dataclass(slots=True)
class MergerState:
    """What is known at an offset of `rag.window-partials`."""

    book: ServiceBook
    offset: int = -1
    sources: Sources = field(default_factory=Sources)
    open: OpenPanes = field(default_factory=OpenPanes)
    sealed: SealedPanes = field(default_factory=SealedPanes)
    revisions: Revisions = field(default_factory=Revisions)
    judged_ms: int = 0  # pane of the event time at which all services were last judged
    unplaced: int = 0  # events that came back after every level had dropped their pane: see sealed.SealedPanes.add
    names: dict[Series, Series] = field(default_factory=dict)
    series_of: dict[Service, dict[Series, None]] = field(default_factory=dict)

    @classmethod
    def empty(cls, policy: Policy) -> "MergerState":
        """Return the state before the first record."""
        return cls(ServiceBook(policy))

    def name(self, series: Series) -> Series:
        """Return the one object that stands for a series: a thousand services have half a million panes."""
        name = self.names.get(series)
        if name is None:
            name = self.names[series] = series
            self.series_of.setdefault(series.owner, {})[series] = None
        return name

    def judged_series(self, service: Service, operation: str) -> list[Series]:
        """Return the series of a service that its promises are judged on: all variants of an operation."""
        return [series for series in self.series_of.get(service, ()) if series.operation == operation]

    def tidy_names(self) -> None:
        """Forget the names that nothing uses any more, once they could be half of all."""
        if len(self.names) <= _NAMES_KEPT:
            return
        used = {*self.sealed.series(), *self.open.series()}
        if len(self.names) > 2 * len(used):
            self.names, self.series_of = {}, {}
            for series in used:
                self.name(series)
