from hashlib import sha256
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cells import cell
from ragpulse.schemas.window import DimensionMean, LatencyHistogram
from ragpulse.streams.histogram import BOUNDS_US, buckets_of
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.results import Span, histogram_of, window_of
from ragpulse.streams.windows.series import Series

SERIES = Series("acme", "search", "query_processing", "b")
SPAN = Span(start_ms=1_800_000_000_000, size_ms=60_000, revision=17, incomplete=[3])


def shown(totals: dict[str, int], buckets: dict[int, int] | None = None, late_count: int = 0) -> dict[str, Any]:
    return window_of(SERIES, SPAN, Aggregate.of_cell(cell(totals, buckets)), late_count).model_dump()


def test_what_nobody_measured_is_null_and_never_zero() -> None:
    window = shown({"count": 3, "status_error": 3})

    missing = {name for name, value in window.items() if value is None}
    assert {
        "p50_latency_ms", "p95_latency_ms", "p99_latency_ms", "average_latency_ms", "average_quality_score", "average_user_rating",
        "cost_usd", "input_tokens", "output_tokens", "average_retrieval_ms", "average_generation_ms",
    } == missing  # fmt: skip
    assert 0.0 == window["availability"]
    assert {} == window["quality_dimensions"]


def test_availability_of_no_events_is_null() -> None:
    assert None is shown({"duplicate_count": 2})["availability"]


def test_sums_stand_beside_their_means() -> None:
    window = shown(
        {
            "count": 4, "status_ok": 3, "status_rejected": 1, "latency_count": 3, "latency_sum_us": 4_500, "quality_count": 2,
            "quality_sum_millionths": 1_500_000, "cost_count": 1, "cost_sum_high": 1, "cost_sum_low": 4, "input_tokens_count": 1,
            "input_tokens_sum": 7, "retrieval_count": 2, "retrieval_sum_us": 3_000, "relevance_count": 4,
            "relevance_sum_millionths": 2_000_000,
        },
        late_count=1,
    )  # fmt: skip

    assert 0.75 == window["availability"]
    assert (1.5, 4_500) == (window["average_latency_ms"], window["latency_sum_us"])
    assert (0.75, 2) == (window["average_quality_score"], window["quality_count"])
    assert ((2**32 + 4) / 1e9, 2**32 + 4) == (window["cost_usd"], window["cost_sum_nano_usd"])
    assert (7, None) == (window["input_tokens"], window["output_tokens"])
    assert 1.5 == window["average_retrieval_ms"]
    assert {"relevance": DimensionMean(mean=0.5, count=4).model_dump()} == window["quality_dimensions"]
    assert 1 == window["late_count"]


def test_a_window_is_identified_by_its_place_and_revision() -> None:
    window = window_of(SERIES, SPAN, Aggregate.zero())
    later = window_of(SERIES, Span(SPAN.start_ms, SPAN.size_ms, 18), Aggregate.zero())

    identity = b'["acme","search","query_processing","b",60000,1800000000000,17]'
    assert sha256(identity).hexdigest()[:32] == window.id
    assert window.id != later.id
    assert (SPAN.end_ms, [3], True) == (window.at_ms, window.incomplete, window.final)


def test_an_event_without_variant_shows_none() -> None:
    assert None is window_of(Series("acme", "search", "query_processing", ""), SPAN, Aggregate.zero()).variant


def test_the_histogram_is_dense_from_its_first_bucket_to_its_last() -> None:
    histogram = histogram_of(Aggregate.of_cell(cell({"latency_zero_count": 2}, {10: 1, 12: 5})))

    assert LatencyHistogram(scale=6, zero_count=2, offset=9, counts=[1, 0, 5]) == histogram


def test_a_histogram_of_nothing_is_empty() -> None:
    assert LatencyHistogram(scale=6, zero_count=0, offset=0, counts=[]) == histogram_of(Aggregate.zero())


@given(st.integers(1, 86_400_000_000))
def test_a_latency_lies_in_the_bucket_that_opentelemetry_gives_it(latency_us: int) -> None:
    bucket = int(buckets_of(np.array([latency_us]))[0])
    k = histogram_of(Aggregate.of_cell(cell({}, {bucket: 1}))).offset

    # (2**(k/64), 2**((k+1)/64)], compared as integers
    assert 2**k < latency_us**64 <= 2 ** (k + 1)
    assert int(BOUNDS_US[bucket]) ** 64 <= 2 ** (k + 1)
