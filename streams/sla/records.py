"""Records of services in a snapshot, and what another policy makes of them."""

from collections.abc import Sequence

from msgspec import Struct

from ragpulse.schemas.policy import Policy
from ragpulse.schemas.sla import ObjectiveName
from ragpulse.streams.sla.book import ServiceBook
from ragpulse.streams.sla.objectives import Promise, promises_for
from ragpulse.streams.sla.telling import last_step
from ragpulse.streams.sla.tracked import Tracked
from ragpulse.streams.sla.verdicts import Seen, violation_of
from ragpulse.streams.sla.violations import OpenViolation
from ragpulse.streams.windows.results import Span
from ragpulse.streams.windows.series import Service


class ServiceRecord(Struct, array_like=True):
    """One service in a snapshot. Its tallies and series follow from the panes."""

    tenant: str
    service: str
    head_ms: int
    first_ms: int | None
    last_ms: int | None
    shown: dict[int, tuple[str, ...]]
    violations: list[tuple[ObjectiveName, int, OpenViolation]]


def write_services(book: ServiceBook) -> list[ServiceRecord]:
    """Return the records of all services."""
    return [
        ServiceRecord(
            *service,
            head_ms=tracked.head_ms,
            first_ms=tracked.first_ms,
            last_ms=tracked.last_ms,
            shown=tracked.shown,
            violations=[(name, size_ms, violation) for (name, size_ms), violation in tracked.violations.items()],
        )
        for service, tracked in book.services.items()
    ]


def read_services(book: ServiceBook, records: Sequence[ServiceRecord], offset: int, before: Policy) -> None:
    """Put services back. What the policy before promised and this one does not is no longer judged, and its violations end.

    A service of which only this policy speaks is tracked from its next event on: early verdicts count from there, finals
    know its panes.

    Args:
        book: Takes them.
        records: From the snapshot.
        offset: That the snapshot reflects.
        before: The policy that the snapshot was made with.

    """
    is_same = before.digest() == book.policy_digest
    for record in records:
        service = Service(record.tenant, record.service)
        promises = book.promises_of(service)
        if promises is not None:
            tracked = Tracked(service, promises, record.head_ms)
            tracked.first_ms, tracked.last_ms = record.first_ms, record.last_ms
            tracked.shown = record.shown if is_same else {}
            book.services[service] = tracked
        promised = book.services.get(service)
        for name, size_ms, violation in record.violations:
            if promised is not None and promised.promise(name, size_ms) is not None:
                promised.violations[name, size_ms] = violation
            else:
                promise = _promise_before(before, service, name)
                seen = Seen(Span(record.head_ms - size_ms, size_ms, offset), record.head_ms)
                book.withdrawn.append(violation_of(service, promise, last_step(violation), seen, book.policy_digest))


def _promise_before(policy: Policy, service: Service, name: ObjectiveName) -> Promise:
    promises = promises_for(policy, service)
    assert promises is not None, "a violation was of a promise"
    return next(promise for promise in promises.promises if promise.name is name)
