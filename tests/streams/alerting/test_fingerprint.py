"""Defect D13 of the first implementation: the fingerprint differed per process, so a restart forgot what it knew."""

import os
import subprocess
import sys

import pytest

from ragpulse.streams.alerting.fingerprint import fingerprint

WHAT = ("response_time_sla", "acme", "search", "p95_latency_ms")


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_a_fingerprint_is_the_same_in_every_process(seed: str) -> None:
    program = f"from ragpulse.streams.alerting.fingerprint import fingerprint; print(fingerprint(*{WHAT!r}))"
    process = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        text=True,
    )

    assert fingerprint(*WHAT) == process.stdout.strip()


def test_a_fingerprint_is_the_same_in_every_release() -> None:
    assert fingerprint(*WHAT) == "2182d3ae4d8fbbc326533c6f92a61f62"


def test_each_field_makes_a_difference() -> None:
    others = [(*WHAT[:i], "x", *WHAT[i + 1 :]) for i in range(4)] + [
        ("response_time_sla", None, None, "p95_latency_ms")
    ]

    assert len({fingerprint(*fields) for fields in [WHAT, *others]}) == 6
