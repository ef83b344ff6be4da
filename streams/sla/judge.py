"""Judge: did a window keep what is promised? Integers decide; floats are only shown.

``compliance_score`` = objectives met / objectives judged, in [0, 1]; null if none was judged. Every objective weighs the
same: the score says how many promises hold, the attainment beside it says by how much.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, NamedTuple, Self

from ragpulse.schemas.cell import COLUMN, COLUMNS
from ragpulse.schemas.query_event import STATUSES
from ragpulse.schemas.sla import Attainment, Breach, ObjectiveName, Outcome
from ragpulse.streams.sla.objectives import Promise, Promises
from ragpulse.streams.windows.aggregate import Aggregate

Status = Literal["compliant", "violated", "insufficient_data", "no_data"]

_ZEROS: Final = (0,) * len(COLUMNS)
_STATUSES: Final = slice(COLUMN[f"status_{STATUSES[0]}"], COLUMN[f"status_{STATUSES[-1]}"] + 1)
_EVENTS: Final = COLUMN["count"]
_LATENCIES: Final = COLUMN["latency_count"]
_ZERO_LATENCIES: Final = COLUMN["latency_zero_count"]
_REJECTED: Final = COLUMN["status_rejected"]
_OK: Final = COLUMN["status_ok"]
_QUALITIES: Final = COLUMN["quality_count"]
_QUALITY_SUM: Final = COLUMN["quality_sum_millionths"]
_MILLIONTHS: Final = 1_000_000


class Tally(NamedTuple):
    """The integers that decide whether promises hold. They add up over cells, panes and windows."""

    events: int = 0
    latencies: int = 0
    fast: int = 0  # latencies that do not read as above the promised one
    answered: int = 0  # events that count for availability
    ok: int = 0
    qualities: int = 0
    quality_sum_millionths: int = 0

    @classmethod
    def of(cls, totals: Sequence[int], indices: Sequence[int], counts: Sequence[int], promises: Promises) -> Self:
        """Return the tally of a cell or an aggregate; ``totals`` may lack trailing zeros."""
        if len(totals) < len(COLUMNS):
            totals = (*totals, *_ZEROS[len(totals) :])
        # By position: this runs for every changed cell.
        return cls(
            totals[_EVENTS],
            totals[_LATENCIES],
            totals[_ZERO_LATENCIES] + sum(counts[: bisect_left(indices, promises.first_slow_bucket)]),
            sum(totals[_STATUSES]) - (totals[_REJECTED] if promises.rejected_is_ignored else 0),
            totals[_OK],
            totals[_QUALITIES],
            totals[_QUALITY_SUM],
        )

    @classmethod
    def of_events(cls, events: Aggregate | None, promises: Promises) -> Self:
        """Return the tally of an aggregate; None is that of no events."""
        if events is None:
            return cls()
        return cls.of(events.totals, events.bucket_indices.tolist(), events.bucket_counts.tolist(), promises)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one window, without its place in time."""

    status: Status
    compliance_score: float | None
    attainment: tuple[Attainment, ...]  # in the order of the promises
    breaches: tuple[Breach, ...]
    samples: int
    p95_latency_ms: float | None
    availability: float | None
    average_quality_score: float | None

    @property
    def is_compliant(self) -> bool | None:
        """Return whether all judged objectives are met; None if none was judged."""
        return {"compliant": True, "violated": False}.get(self.status)


def outcome_of(promise: Promise, tally: Tally) -> Outcome:
    """Judge one objective by its integers."""
    if not tally.events:
        return Outcome.NO_DATA
    if samples_of(promise, tally) < promise.minimum_samples:
        return Outcome.INSUFFICIENT_DATA
    return Outcome.BREACHED if _is_breached(promise, tally) else Outcome.MET


def samples_of(promise: Promise, tally: Tally) -> int:
    """Return how many events an objective is judged on."""
    if promise.name is ObjectiveName.P95_LATENCY_MS:
        return tally.latencies
    return tally.answered if promise.name is ObjectiveName.AVAILABILITY else tally.qualities


def _is_breached(promise: Promise, tally: Tally) -> bool:
    above, below = promise.limit.numerator, promise.limit.denominator
    if promise.name is ObjectiveName.P95_LATENCY_MS:
        # The value of rank ceil(0.95 n) is slow if fewer than that many are fast.
        return tally.fast < -(-95 * tally.latencies // 100)
    if promise.name is ObjectiveName.AVAILABILITY:
        return tally.ok * below < above * tally.answered
    return tally.quality_sum_millionths * below < above * tally.qualities * _MILLIONTHS


def status_of(outcomes: Sequence[Outcome]) -> Status:
    """Return the verdict on all objectives: one breach violates, one that is met and no breach complies."""
    if Outcome.BREACHED in outcomes:
        return "violated"
    if Outcome.MET in outcomes:
        return "compliant"
    return "insufficient_data" if Outcome.INSUFFICIENT_DATA in outcomes else "no_data"


def judge(events: Aggregate | None, promises: Promises, size_ms: int) -> Judgement:
    """Judge one window of one service: its events (None: there were none) by the objectives of its size."""
    tally = Tally.of_events(events, promises)
    values = _values(events, tally)
    attainment = tuple(_attain(promise, tally, values[promise.name]) for promise in promises.by_size_ms[size_ms])
    outcomes = [one.outcome for one in attainment]
    met, breached = outcomes.count(Outcome.MET), outcomes.count(Outcome.BREACHED)
    return Judgement(
        status=status_of(outcomes),
        compliance_score=met / (met + breached) if met + breached else None,
        attainment=attainment,
        breaches=tuple(
            _breach(promise, one.current_value)
            for promise, one in zip(promises.by_size_ms[size_ms], attainment, strict=True)
            if one.outcome is Outcome.BREACHED and one.current_value is not None
        ),
        samples=tally.events,
        p95_latency_ms=_shown(values[ObjectiveName.P95_LATENCY_MS]),
        availability=_shown(values[ObjectiveName.AVAILABILITY]),
        average_quality_score=_shown(values[ObjectiveName.QUALITY_SCORE]),
    )


def _values(events: Aggregate | None, tally: Tally) -> dict[ObjectiveName, Fraction | None]:
    """Return the value of each objective in wire units; None where nothing was measured."""
    p95 = events.percentile_ms(0.95) if events is not None else None
    return {
        ObjectiveName.P95_LATENCY_MS: None if p95 is None else Fraction(p95),
        ObjectiveName.AVAILABILITY: Fraction(tally.ok, tally.answered) if tally.answered else None,
        ObjectiveName.QUALITY_SCORE: (
            Fraction(tally.quality_sum_millionths, tally.qualities * _MILLIONTHS) if tally.qualities else None
        ),
    }


def _shown(value: Fraction | None, scale: Fraction = Fraction(1)) -> float | None:
    return None if value is None else float(value * scale)


def _attain(promise: Promise, tally: Tally, value: Fraction | None) -> Attainment:
    return Attainment(
        objective=promise.name,
        outcome=outcome_of(promise, tally),
        current_value=_shown(value, promise.unit.scale),
        threshold=promise.threshold,
        unit=promise.unit.name,
        samples=samples_of(promise, tally),
        minimum_samples=promise.minimum_samples,
    )


def _breach(promise: Promise, current_value: float) -> Breach:
    return Breach(
        type=promise.type,
        severity=promise.severity,
        current_value=current_value,
        threshold=promise.threshold,
        unit=promise.unit.name,
        impact=promise.impact,
    )
