"""Latency histogram: exponential buckets at a fixed scale, sparse, integer counts, so that merging is exact in any order.

OpenTelemetry's data model (specification, "ExponentialHistogram"): bucket k covers (2**(k / 2**scale), 2**((k+1) / 2**scale)],
here in microseconds. At scale 6 the middle of a bucket is within 0.55 % of every value in it.

A latency is first rounded to integer microseconds and then placed by integer bounds, never by a logarithm: float32 and
float64 logarithms disagree at bucket borders. Our bucket index j is OpenTelemetry's k + 1, so that 1 µs is in bucket 0;
0 µs has a count of its own.
"""

from functools import reduce
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Counts = NDArray[np.int64]

SCALE: Final = 6
MAX_US: Final = 86_400_000_000


def _floor_root(index: int) -> int:
    """Return floor(2**(index / 2**SCALE)), exactly: nested integer square roots equal the root of the whole."""
    return reduce(lambda value, _: isqrt(value), range(SCALE), 1 << index)


def _bounds() -> NDArray[np.int64]:
    bounds = [_floor_root(0)]
    while bounds[-1] < MAX_US:
        bounds.append(_floor_root(len(bounds)))
    return np.array(bounds, dtype=np.int64)


#: Upper bound of each bucket in µs, inclusive. A function of SCALE alone; a test holds its digest.
BOUNDS_US: Final = _bounds()
#: Middle of the integers of each bucket in ms: what a percentile reports.
MIDDLES_MS: Final = (np.concatenate(([0], BOUNDS_US[:-1])) + 1 + BOUNDS_US) / 2000.0


def buckets_of(latencies_us: NDArray[np.int64]) -> Indices:
    """Return the bucket index of each latency (µs, 1 to 24 h; zero has no bucket)."""
    return np.searchsorted(BOUNDS_US, latencies_us, side="left")


def percentile_ms(indices: Indices, counts: Counts, zero_count: int, quantile: float) -> float | None:
    """Return the nearest-rank percentile in ms, as the middle of its bucket; None where nothing was counted.

    Nearest rank: the value at position ceil(quantile * n) of the n ordered values. ``indices`` are ascending.
    """
    total = zero_count + int(counts.sum())
    if total == 0:
        return None
    rank = max(1, -(-round(quantile * 1_000_000) * total // 1_000_000))
    if rank <= zero_count:
        return 0.0
    position = int(np.searchsorted(np.cumsum(counts), rank - zero_count, side="left"))
    return float(MIDDLES_MS[indices[position]])


def merge(parts: list[tuple[Indices, Counts]]) -> tuple[Indices, Counts]:
    """Return the sum of sparse histograms (also of other sparse integer counts): ascending indices, positive counts."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    indices = np.concatenate([part[0] for part in parts])
    counts = np.concatenate([part[1] for part in parts])
    order = np.argsort(indices, kind="stable")
    indices, counts = indices[order], counts[order]
    if not len(indices):
        return indices, counts
    starts = np.flatnonzero(np.concatenate(([True], indices[1:] != indices[:-1])))
    return indices[starts], np.add.reduceat(counts, starts)
