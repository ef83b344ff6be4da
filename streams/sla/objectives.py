"""Objectives: what the policy promises about one service, with limits that compare exactly.

The two forms of the policy become one: a limit is the decimal number that the file shows, as a fraction, so that 999 of
1,000 keeps a promise of 99.9 percent (as a float, 99.9 / 100 is a little more than 0.999).
"""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

from ragpulse.schemas.policy import WINDOW_NAMES, Objective, Policy, ServiceSla, SlaRequirements
from ragpulse.schemas.sla import ObjectiveName, Severity, ViolationType
from ragpulse.streams import histogram
from ragpulse.streams.sla.kinds import KINDS, PLAIN_WINDOWS
from ragpulse.streams.windows.series import Service


@dataclass(frozen=True, slots=True)
class Unit:
    """How values of an objective are shown: a value in wire units times ``scale``."""

    name: str
    scale: Fraction = Fraction(1)


_MILLISECONDS: Final = Unit("ms")
_SECONDS: Final = Unit("s", Fraction(1, 1000))
_PERCENT: Final = Unit("percent", Fraction(100))
_RATIO: Final = Unit("ratio")


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective of one service."""

    name: ObjectiveName
    threshold: float  # as the policy shows it, in ``unit``
    limit: Fraction  # in wire units: ms or a ratio
    unit: Unit
    sizes_ms: frozenset[int]
    minimum_samples: int
    severity: Severity

    @property
    def type(self) -> ViolationType:
        """Return the name that users know."""
        return KINDS[self.name].type

    @property
    def impact(self) -> str:
        """Return what a breach means to users."""
        return KINDS[self.name].impact


#: A bucket's middle in half microseconds: an integer.
_TWICE_MIDDLES_US: Final[list[int]] = [round(middle * 2000) for middle in histogram.MIDDLES_MS.tolist()]


@dataclass(frozen=True)
class Promises:
    """All objectives of one service, judged on one operation with its variants merged."""

    operation: str
    promises: tuple[Promise, ...]
    rejected_is_ignored: bool

    @cached_property
    def by_size_ms(self) -> dict[int, tuple[Promise, ...]]:
        """Return the objectives judged on each window size, smallest size first."""
        sizes = sorted({size for promise in self.promises for size in promise.sizes_ms})
        return {size: tuple(promise for promise in self.promises if size in promise.sizes_ms) for size in sizes}

    @cached_property
    def first_slow_bucket(self) -> int:
        """Return the first latency bucket that reads as above the promised latency; 0 if none is promised."""
        limits = [promise.limit for promise in self.promises if promise.name is ObjectiveName.P95_LATENCY_MS]
        return bisect_right(_TWICE_MIDDLES_US, limits[0] * 2000) if limits else 0


def promises_for(policy: Policy, service: Service) -> Promises | None:
    """Return what is promised about a service: by the first entry that matches it; None if none does."""
    for entry in policy.sla.services:
        if entry.matches(service.tenant, service.service):
            found = _plain(entry.sla_requirements) if entry.sla_requirements else _own(entry)
            return Promises(entry.operation, _ordered(found), entry.rejected_counts_as == "ignored")
    return None


def _ordered(promises: list[Promise]) -> tuple[Promise, ...]:
    order = list(KINDS)
    return tuple(sorted(promises, key=lambda promise: order.index(promise.name)))


def _plain(requirements: SlaRequirements) -> list[Promise]:
    shown = (
        (ObjectiveName.P95_LATENCY_MS, requirements.max_response_time, _SECONDS),
        (ObjectiveName.AVAILABILITY, requirements.min_availability, _PERCENT),
        (ObjectiveName.QUALITY_SCORE, requirements.min_quality_score, _RATIO),
    )
    return [
        _promise(name, Objective(threshold=value, windows=PLAIN_WINDOWS), unit)
        for name, value, unit in shown
        if value is not None
    ]


def _own(entry: ServiceSla) -> list[Promise]:
    return [
        _promise(name, objective, _MILLISECONDS if name is ObjectiveName.P95_LATENCY_MS else _RATIO)
        for name, objective in entry.objectives.items()
    ]


def _promise(name: ObjectiveName, objective: Objective, unit: Unit) -> Promise:
    kind = KINDS[name]
    return Promise(
        name=name,
        threshold=objective.threshold,
        limit=Fraction(repr(objective.threshold)) / unit.scale,
        unit=unit,
        sizes_ms=frozenset(WINDOW_NAMES[window] for window in objective.windows),
        minimum_samples=objective.minimum_samples or kind.minimum_samples,
        severity=objective.severity or kind.severity,
    )
