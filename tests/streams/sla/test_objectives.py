from fractions import Fraction

import pytest

from merger_runs import policy
from ragpulse.schemas.sla import ObjectiveName, Severity, ViolationType
from ragpulse.streams.histogram import MIDDLES_MS
from ragpulse.streams.sla.objectives import Promise, Promises, promises_for
from ragpulse.streams.windows.series import Service

SEARCH = Service("acme", "search")
PLAIN = policy({"sla_requirements": {"max_response_time": 2.5, "min_availability": 99.9, "min_quality_score": 0.8}})


def promised(**entry: object) -> Promises:
    found = promises_for(policy(dict(entry)), SEARCH)
    assert found is not None
    return found


def by_name(promises: Promises) -> dict[ObjectiveName, Promise]:
    return {promise.name: promise for promise in promises.promises}


def test_the_plain_form_is_judged_on_five_minutes_of_query_processing() -> None:
    promises = promises_for(PLAIN, SEARCH)

    assert promises is not None
    assert "query_processing" == promises.operation
    assert [300_000] == list(promises.by_size_ms)


def test_the_plain_form_keeps_its_units_and_compares_in_those_of_the_wire() -> None:
    promises = promises_for(PLAIN, SEARCH)

    assert promises is not None
    assert {
        ObjectiveName.AVAILABILITY: (99.9, "percent", Fraction(999, 1000)),
        ObjectiveName.P95_LATENCY_MS: (2.5, "s", Fraction(2500)),
        ObjectiveName.QUALITY_SCORE: (0.8, "ratio", Fraction(8, 10)),
    } == {name: (one.threshold, one.unit.name, one.limit) for name, one in by_name(promises).items()}


def test_availability_and_response_time_come_first() -> None:
    promises = promises_for(PLAIN, SEARCH)

    assert promises is not None
    assert [ViolationType.AVAILABILITY, ViolationType.RESPONSE_TIME, ViolationType.QUALITY] == [
        promise.type for promise in promises.promises
    ]


def test_severities_impacts_and_minimum_samples_are_those_of_the_contract() -> None:
    promises = promises_for(PLAIN, SEARCH)

    assert promises is not None
    assert [
        (Severity.CRITICAL, "Service unavailable to users", 10),
        (Severity.HIGH, "User experience degradation", 20),
        (Severity.MEDIUM, "Poor response quality affecting user satisfaction", 10),
    ] == [(promise.severity, promise.impact, promise.minimum_samples) for promise in promises.promises]


def test_the_own_form_may_set_windows_severity_and_minimum_samples() -> None:
    promises = promised(
        operation="document_retrieval",
        objectives={
            "p95_latency_ms": {"threshold": 250, "windows": ["1h", "1m"], "severity": "low", "minimum_samples": 5},
            "availability": {"threshold": 0.99},
        },
    )

    latency = by_name(promises)[ObjectiveName.P95_LATENCY_MS]
    assert "document_retrieval" == promises.operation
    assert (Severity.LOW, 5, "ms", Fraction(250)) == (
        latency.severity,
        latency.minimum_samples,
        latency.unit.name,
        latency.limit,
    )
    assert {
        60_000: [ObjectiveName.P95_LATENCY_MS],
        300_000: [ObjectiveName.AVAILABILITY],
        3_600_000: [ObjectiveName.P95_LATENCY_MS],
    } == {size_ms: [promise.name for promise in found] for size_ms, found in promises.by_size_ms.items()}


def test_the_first_entry_that_matches_a_service_counts() -> None:
    many = policy(
        {"service": "search-*", "objectives": {"availability": {"threshold": 0.5}}},
        {"tenant": "acme", "objectives": {"availability": {"threshold": 0.6}}},
    )

    thresholds = [
        found.promises[0].threshold if (found := promises_for(many, service)) else None
        for service in (Service("x", "search-eu"), Service("acme", "answer"), Service("x", "answer"))
    ]
    assert [0.5, 0.6, None] == thresholds


@pytest.mark.parametrize("limit_ms", [1, 100, 250.5, 2_000, 86_400_000])
def test_a_bucket_is_slow_if_its_middle_is_above_the_limit(limit_ms: float) -> None:
    first = promised(objectives={"p95_latency_ms": {"threshold": limit_ms}}).first_slow_bucket

    assert [False] * first == [middle > limit_ms for middle in MIDDLES_MS[:first].tolist()]
    assert [] == [middle for middle in MIDDLES_MS[first:].tolist() if middle <= limit_ms]


def test_without_a_promised_latency_none_is_fast() -> None:
    assert 0 == promised(objectives={"availability": {"threshold": 0.9}}).first_slow_bucket
