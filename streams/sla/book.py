"""All services that have promises: final and provisional verdicts, and the violations that follow from them.

Final verdicts depend on sealed panes alone, in the order of event time, and so does which services are known. A
provisional verdict is judged on running tallies; its window is added up only when there is something to say.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Final

from ragpulse.schemas.policy import Policy
from ragpulse.schemas.sla import Violation
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams.sla.judge import Tally, judge
from ragpulse.streams.sla.newest import NOTHING
from ragpulse.streams.sla.objectives import Promises, promises_for
from ragpulse.streams.sla.telling import Lookup, end_all, foresee, settle
from ragpulse.streams.sla.tracked import Tracked
from ragpulse.streams.sla.verdicts import FORGOTTEN_AFTER_MS, forgotten, verdict_of
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.outbox import Outbox
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Series, Service

_REMEMBERED: Final = 50_000
"""Services whose promises are looked up once; more than a segment's cells can name."""
first = itemgetter(0)


class ServiceBook:
    """The services of one target partition that a policy speaks of."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.policy_digest = policy.digest()
        self.services: dict[Service, Tracked] = {}
        self.withdrawn: list[Violation] = []  # last steps of violations of promises that the policy no longer makes
        self._promises: dict[Service, Promises | None] = {}
        self._judged: dict[Series, Tracked] = {}

    def promises_of(self, service: Service) -> Promises | None:
        """Return what is promised about a service; None if nothing is."""
        if service not in self._promises:
            if len(self._promises) >= _REMEMBERED:
                self._promises.clear()
            self._promises[service] = promises_for(self.policy, service)
        return self._promises[service]

    def count(self, series: Series, cell: Cell, before: Tally) -> Tally:
        """Count an on-time cell in the place of its earlier record; return its tally, nothing if no promise is judged on it."""
        tracked = self._judged.get(series) or self._track(series, cell.pane_start_ms)
        if tracked is None:
            return NOTHING
        tally = Tally.of(cell.totals, cell.bucket_indices, cell.bucket_counts, tracked.promises)
        tracked.count(cell.pane_start_ms, tally, before)
        return tally

    def _track(self, series: Series, pane_ms: int) -> Tracked | None:
        promises = self.promises_of(series.owner)
        if promises is None or promises.operation != series.operation:
            return None
        if series.owner not in self.services:
            self.services[series.owner] = Tracked(series.owner, promises, pane_ms)
        return self.admit(series)

    def admit(self, series: Series) -> Tracked | None:
        """Count a series to its service, if that has promises which are judged on the series' operation."""
        tracked = self.services.get(series.owner)
        if tracked is None or tracked.promises.operation != series.operation:
            return None
        self._judged[series] = tracked
        return tracked

    def judged(self, series: Series) -> Tracked | None:
        """Return the service of a series if its promises are judged on the series."""
        return self._judged.get(series)

    def has_data(self, series: Series, end_ms: int) -> None:
        """Note that a sealed pane that ends then holds on-time events of a series."""
        tracked = self.judged(series)
        if tracked is not None:
            tracked.has_data(end_ms)

    def end_unpromised(self, out: Outbox) -> None:
        """End the violations of promises that the policy no longer makes."""
        for violation in self.withdrawn:
            out.violation(violation)
        self.withdrawn.clear()

    def close(self, span: Span, events: Mapping[Series, Aggregate], out: Outbox) -> None:
        """Give the final verdict on a window of every known service; on no data where it has none."""
        found: defaultdict[Service, list[Aggregate]] = defaultdict(list)
        for series, aggregate in events.items():
            if self.judged(series) is not None:
                found[series.owner].append(aggregate)
        for service in self.judged_services(span.size_ms, span.end_ms):
            tracked, parts = self.services[service], found.get(service)
            judgement = judge(Aggregate.merged(parts) if parts else None, tracked.promises, span.size_ms)
            out.verdict(verdict_of(service, span, judgement, out.policy_digest))
            settle(tracked, span, judgement, out)

    def judged_services(self, size_ms: int, end_ms: int) -> list[Service]:
        """Return the services that have a final verdict on the window of a size that ends then, in order."""
        return sorted(service for service, tracked in self.services.items() if tracked.is_judged(size_ms, end_ms))

    def revise(self, service: Service, span: Span, lookup: Lookup, out: Outbox) -> None:
        """Publish the verdict on a revised window that had a final one. Violations follow that and not its revisions."""
        tracked = self.services.get(service)
        if tracked is not None and tracked.is_judged(span.size_ms, span.end_ms):
            judgement = judge(lookup(tracked.judged_on, span), tracked.promises, span.size_ms)
            out.verdict(verdict_of(service, span, judgement, out.policy_digest))

    def foresee(self, services: Iterable[Service], now_ms: int, lookup: Lookup, out: Outbox) -> None:
        """Give provisional verdicts on the newest windows of some services, where they change.

        Args:
            services: Those to look at.
            now_ms: Event time reached by the sources.
            lookup: Adds up the on-time events of a window.
            out: Takes what is published.

        """
        for service in services:
            tracked = self.services.get(service)
            if tracked is not None:
                tracked.move_to(now_ms)
                for size_ms in tracked.promises.by_size_ms:
                    foresee(tracked, size_ms, lookup, out)

    def forget(self, boundary_ms: int, out: Outbox) -> None:
        """Forget the services that had no data for a day, each with a last event; their violations end with them."""
        silent = [
            (service, tracked, tracked.last_ms)
            for service, tracked in self.services.items()
            if tracked.last_ms is not None and tracked.last_ms + FORGOTTEN_AFTER_MS <= boundary_ms
        ]
        for service, tracked, last_ms in sorted(silent, key=first):
            span = Span(last_ms, boundary_ms - last_ms, out.revision)
            out.verdict(forgotten(service, span, out.policy_digest))
            end_all(tracked, boundary_ms, out)
            del self.services[service]
        if silent:
            self._judged = {series: one for series, one in self._judged.items() if series.owner in self.services}
