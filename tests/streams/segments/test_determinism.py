"""The same log gives the same bytes in another process, and percentiles are right."""

import os
import subprocess
import sys
from decimal import Decimal
from math import ceil

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ragpulse.streams.histogram import percentile_ms
from reference_fold import LogRecord
from source_logs import START_MS, fold, new_fold, query_event, small_parameters

#: Middles of buckets are floats of milliseconds, up to 8.64e7.
FLOAT_ERROR_MS = Decimal("1e-8")

FOLD_IN_ANOTHER_PROCESS = """
import hashlib
from reference_fold import LogRecord
from source_logs import START_MS, fold, new_fold, query_event, small_parameters
from ragpulse.streams.segments.flush import build_flushes, partition_of

partition = new_fold(small_parameters(cell_cap=25, block_size=150))
records = [
    LogRecord(i, START_MS + i, query_event(event_id=f"e-{i % 90}", occurred_at_ms=START_MS + i * 37 % 9000, user_id=f"u-{i % 7}",
              service=f"s-{i * 7 % 40}", latency_ms=i * 1.7, cost_usd=i / 7, quality={"safety": i % 10 / 10}) if i % 11 else b"?")
    for i in range(400)
]
step = fold(partition, records)
flushes = build_flushes(partition.take_changes(lambda service: partition_of(service, 3)), [partition.progress(0, 4)], 5, 3)
digest = hashlib.sha256(repr((flushes, step.rejections, [(c.record_bytes(), c.outcomes) for c in step.closed])).encode())
print(digest.hexdigest())
"""


def test_two_processes_with_different_hash_seeds_write_the_same_bytes() -> None:
    def run(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", FOLD_IN_ANOTHER_PROCESS], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert run("1") == run("2") != ""


@given(st.lists(st.floats(0.001, 86_400_000), min_size=1, max_size=80), st.sampled_from([0.5, 0.95, 0.99]))
@example([0.0625], 0.5)
def test_a_percentile_is_within_six_per_mille_of_the_nearest_rank(latencies_ms: list[float], quantile: float) -> None:
    partition = new_fold(small_parameters(block_size=1_000))
    fold(
        partition,
        [
            LogRecord(at, START_MS, query_event(event_id=f"e-{at}", latency_ms=latency))
            for at, latency in enumerate(latencies_ms)
        ],
    )
    (cell,) = partition.take_changes(lambda _: 0)[0][0].cells

    actual = percentile_ms(np.array(cell.bucket_indices), np.array(cell.bucket_counts), 0, quantile)

    exact = sorted(latencies_ms)[ceil(quantile * len(latencies_ms)) - 1]
    assert actual is not None
    # Half a bucket, 0.55 %, and half a microsecond of rounding: 0.6 % from a millisecond on, more only below that.
    error = abs(Decimal(actual) - Decimal(exact))
    assert error <= Decimal("0.0055") * Decimal(exact) + Decimal("0.0005") + FLOAT_ERROR_MS
    if exact >= 1:
        assert error <= Decimal("0.006") * Decimal(exact) + FLOAT_ERROR_MS
