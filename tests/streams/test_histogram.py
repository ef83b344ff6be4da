"""Latency histogram: the table of bounds, its error, and exact merging."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.streams.histogram import (
    BOUNDS_US,
    MAX_US,
    MIDDLES_MS,
    Counts,
    Indices,
    buckets_of,
    merge,
    percentile_ms,
)

LATENCIES_US = st.lists(st.integers(1, MAX_US), max_size=50)
Part = tuple[Indices, Counts]


def histogram(latencies_us: list[int]) -> Part:
    indices, counts = np.unique(buckets_of(np.array(latencies_us, dtype=np.int64)), return_counts=True)
    return indices, counts


def as_lists(part: Part) -> tuple[list[int], list[int]]:
    return part[0].tolist(), part[1].tolist()


def test_the_table_of_bounds_is_the_one_that_partials_were_written_with() -> None:
    # Another table would put stored counts into other buckets: it needs another scale on the wire.
    digest = sha256(BOUNDS_US.astype("<i8").tobytes()).hexdigest()

    assert (2327, digest) == (len(BOUNDS_US), "2a454192b1f31313ecc64e7fd7fb629e2d001c368af4152dfe0a9e1fc9f3481b")


def test_bounds_are_the_powers_of_the_64th_root_of_two_rounded_down() -> None:
    # 2**(k/64) <= b + 1 exactly where 2**k <= (b + 1)**64
    for k in range(0, len(BOUNDS_US), 97):
        bound = int(BOUNDS_US[k])
        assert bound**64 <= 2**k < (bound + 1) ** 64


def test_every_latency_up_to_a_day_has_a_bucket() -> None:
    assert 0 == buckets_of(np.array([1]))[0]
    assert len(BOUNDS_US) - 1 == buckets_of(np.array([MAX_US]))[0]


@given(st.integers(1, MAX_US))
def test_a_value_lies_between_the_bounds_of_its_bucket(latency_us: int) -> None:
    bucket = int(buckets_of(np.array([latency_us]))[0])

    assert (BOUNDS_US[bucket - 1] if bucket else 0) < latency_us <= BOUNDS_US[bucket]


@given(st.integers(1, MAX_US))
def test_the_middle_of_a_bucket_is_within_six_per_mille_of_its_values(latency_us: int) -> None:
    middle_us = MIDDLES_MS[buckets_of(np.array([latency_us]))[0]] * 1_000

    assert abs(middle_us - latency_us) <= 0.0055 * latency_us


@given(LATENCIES_US, LATENCIES_US, LATENCIES_US)
def test_merging_parts_in_any_order_gives_the_histogram_of_the_whole(a: list[int], b: list[int], c: list[int]) -> None:
    whole = as_lists(histogram(a + b + c))

    assert whole == as_lists(merge([histogram(a), histogram(b), histogram(c)]))
    assert whole == as_lists(merge([merge([histogram(c), histogram(a)]), histogram(b)]))
    assert whole == as_lists(merge([histogram(a + b + c)]))


def test_nothing_merges_to_nothing() -> None:
    assert ([], []) == as_lists(merge([]))
    assert ([], []) == as_lists(merge([histogram([]), histogram([])]))


@given(LATENCIES_US, st.integers(0, 5), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_the_middle_of_the_bucket_of_the_nearest_rank(
    latencies: list[int], zeros: int, quantile: float
) -> None:
    ordered = sorted([0] * zeros + latencies)
    rank = max(1, -(-round(quantile * 1_000_000) * len(ordered) // 1_000_000))
    exact = ordered[rank - 1] if ordered else None
    expected = exact and MIDDLES_MS[buckets_of(np.array([exact]))[0]]

    assert expected == percentile_ms(*histogram(latencies), zeros, quantile)


@pytest.mark.parametrize(("quantile", "rank"), [(0.95, 19), (0.951, 20), (0.05, 1)])
def test_ranks_are_not_lost_to_floating_point(quantile: float, rank: int) -> None:
    # 0.95 * 20 is 19.000000000000004 where it is computed in floats, and would round up to 20.
    latencies = [2**power for power in range(20)]

    expected = MIDDLES_MS[buckets_of(np.array([latencies[rank - 1]]))[0]]
    assert expected == percentile_ms(*histogram(latencies), 0, quantile)
