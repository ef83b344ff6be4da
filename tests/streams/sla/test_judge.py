from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cells import cell
from merger_runs import policy
from ragpulse.schemas.sla import Breach, Outcome, Severity, ViolationType
from ragpulse.streams.histogram import MIDDLES_MS
from ragpulse.streams.sla.judge import Judgement, Tally, judge
from ragpulse.streams.sla.objectives import Promises, promises_for
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.series import Service

SIZE_MS = 300_000


def promised(**entry: Any) -> Promises:
    found = promises_for(policy(entry), Service("acme", "search"))
    assert found is not None
    return found


PLAIN = promised(sla_requirements={"max_response_time": 2, "min_availability": 99.9, "min_quality_score": 0.5})


def events(
    ok: int = 0, error: int = 0, rejected: int = 0, buckets: dict[int, int] | None = None, **more: int
) -> Aggregate:
    latencies = sum((buckets or {}).values())
    totals = {
        "count": ok + error + rejected,
        "status_ok": ok,
        "status_error": error,
        "status_rejected": rejected,
        "latency_count": latencies,
        **more,
    }
    return Aggregate.of_cell(cell(totals, buckets))


def outcomes(judgement: Judgement) -> list[Outcome]:
    return [one.outcome for one in judgement.attainment]


def test_a_window_without_events_is_no_data_and_not_judged() -> None:
    for nothing in (None, events()):
        judgement = judge(nothing, PLAIN, SIZE_MS)

        assert ("no_data", None, None, ()) == (
            judgement.status,
            judgement.is_compliant,
            judgement.compliance_score,
            judgement.breaches,
        )
        assert [Outcome.NO_DATA] * 3 == outcomes(judgement)


def test_below_the_minimum_samples_nothing_is_judged() -> None:
    judgement = judge(events(ok=9, buckets={2000: 9}), PLAIN, SIZE_MS)

    assert ("insufficient_data", None, None) == (judgement.status, judgement.is_compliant, judgement.compliance_score)
    assert [(9, 10), (9, 20), (0, 10)] == [(one.samples, one.minimum_samples) for one in judgement.attainment]
    # What there is is shown all the same.
    assert [100.0, MIDDLES_MS[2000] / 1000, None] == [one.current_value for one in judgement.attainment]


def test_999_of_1000_keep_a_promise_of_99_point_9_percent() -> None:
    kept, broken = (judge(events(ok=ok, error=1), PLAIN, SIZE_MS) for ok in (999, 998))

    assert [("compliant", True, 1.0), ("violated", False, 0.0)] == [
        (one.status, one.is_compliant, one.compliance_score) for one in (kept, broken)
    ]


def test_a_breach_is_told_in_the_words_and_units_of_the_contract() -> None:
    judgement = judge(
        events(ok=90, error=10, buckets={1480: 100}, quality_count=10, quality_sum_millionths=4_000_000), PLAIN, SIZE_MS
    )

    worst, slow, poor = judgement.breaches
    assert (
        Breach(
            type=ViolationType.AVAILABILITY,
            severity=Severity.CRITICAL,
            current_value=90.0,
            threshold=99.9,
            unit="percent",
            impact="Service unavailable to users",
        )
        == worst
    )
    assert (ViolationType.RESPONSE_TIME, MIDDLES_MS[1480] / 1000, 2.0, "s") == _told(slow)
    assert (ViolationType.QUALITY, 0.4, 0.5, "ratio") == _told(poor)
    assert (0.9, MIDDLES_MS[1480], 0.4, 100) == (
        judgement.availability,
        judgement.p95_latency_ms,
        judgement.average_quality_score,
        judgement.samples,
    )


def _told(breach: Breach) -> tuple[ViolationType, float, float, str]:
    return breach.type, breach.current_value, breach.threshold, breach.unit


def test_the_score_is_the_share_of_judged_objectives_that_are_met() -> None:
    judgement = judge(events(ok=100, buckets={2_300: 100}), PLAIN, SIZE_MS)

    assert ("violated", 0.5) == (judgement.status, judgement.compliance_score)
    assert [Outcome.MET, Outcome.BREACHED, Outcome.INSUFFICIENT_DATA] == outcomes(judgement)


def test_rejected_requests_count_as_unavailable_unless_the_policy_ignores_them() -> None:
    available = {"objectives": {"availability": {"threshold": 0.9}}}
    half = events(ok=10, rejected=10)

    assert ("violated", 0.5) == _seen(judge(half, promised(**available), SIZE_MS))
    assert ("compliant", 1.0) == _seen(judge(half, promised(**available, rejected_counts_as="ignored"), SIZE_MS))
    assert ("insufficient_data", None) == _seen(
        judge(events(rejected=10), promised(**available, rejected_counts_as="ignored"), SIZE_MS)
    )


def _seen(judgement: Judgement) -> tuple[str, float | None]:
    return judgement.status, judgement.availability


def test_quality_is_judged_on_events_that_have_one() -> None:
    judgement = judge(
        events(ok=1_000, quality_count=10, quality_sum_millionths=5_000_000),
        promised(objectives={"quality_score": {"threshold": 0.5}}),
        SIZE_MS,
    )

    assert ("compliant", 10, 1_000) == (judgement.status, judgement.attainment[0].samples, judgement.samples)


BUCKETS = st.dictionaries(st.integers(0, 2_323), st.integers(1, 50), min_size=1, max_size=20)


@given(BUCKETS, st.integers(0, 40), st.integers(1, 86_400_000))
def test_the_integers_decide_as_the_percentile_that_is_shown(buckets: dict[int, int], zero: int, limit_ms: int) -> None:
    latency = promised(objectives={"p95_latency_ms": {"threshold": limit_ms, "minimum_samples": 1}})
    shown = events(ok=1, buckets=buckets, latency_zero_count=zero)
    shown = Aggregate.merged([shown, Aggregate.of_cell(cell({"latency_count": zero}))])

    judgement = judge(shown, latency, SIZE_MS)

    assert judgement.p95_latency_ms is not None
    assert ("violated" if judgement.p95_latency_ms > limit_ms else "compliant") == judgement.status


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), BUCKETS), max_size=5))
def test_tallies_add_up_to_the_tally_of_all(cells: list[tuple[int, int, dict[int, int]]]) -> None:
    parts = [events(ok=ok, error=error, buckets=buckets) for ok, error, buckets in cells]
    tallies = [Tally.of_events(part, PLAIN) for part in parts]

    added = Tally(*map(sum, zip(*tallies, strict=True))) if tallies else Tally()
    assert Tally.of_events(Aggregate.merged(parts), PLAIN) == added


@pytest.mark.parametrize("limit", ["1m", "1d"])
def test_only_the_objectives_of_a_window_size_are_judged_on_it(limit: str) -> None:
    both = promised(
        objectives={"availability": {"threshold": 0.9}, "p95_latency_ms": {"threshold": 1, "windows": [limit]}}
    )

    assert 1 == len(judge(events(ok=100, buckets={2_000: 100}), both, SIZE_MS).attainment)
