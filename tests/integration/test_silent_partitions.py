"""Silence: of producers, through which time goes on; and of a worker, which holds final figures for a while and is told.

::

    events ── silence, ticks ── windows final │ worker killed ── 3 s: alert ── 6 s: windows final, incomplete
                                              │   ── 12 s: its session ends, another takes over ── revised, alert resolved
"""

import signal
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

import truth
from final_windows import await_windows, differences, last_revisions, send, send_closers
from pipeline import pipeline

SETTINGS = {
    "RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS": "12",
    "RAGPULSE_INGEST__TICK_AFTER_SECONDS": "0.5",
    "RAGPULSE_INGEST__TICK_EVERY_SECONDS": "1",
    "RAGPULSE_SLO__SILENT_AFTER_SECONDS": "3",
    "RAGPULSE_SLO__HOLD_LIMIT_SECONDS": "6",
}
NEVER_USED = 3
"""A partition that no producer ever writes to, until the last test of time."""


def test_silent_partitions_hold_nothing_up_and_a_silent_worker_is_told_and_made_good(
    kafka: str, tmp_path: Path
) -> None:
    with pipeline(kafka, tmp_path, **SETTINGS) as pipe:
        pipe.start("slo")
        pipe.start("alerting")
        pipe.wait_ready(pipe.start("ingest"))
        [dying] = pipe.start("ingest")
        pipe.wait_ready([dying])
        theirs = sorted(one["partition"] for one in pipe.said(dying, "partition taken over"))
        now_ms = int(time() * 1000)
        # Not older than the allowed disorder: the ticks have moved time on before the first event came.
        events = list(truth.events(1_400, seed=51, start_ms=now_ms - 7_000, step_ms=5, services=4))
        for partition in range(NEVER_USED):
            send(pipe, events[partition::NEVER_USED], partition=partition)
        await_windows(pipe, truth.windows(events, until_ms=-(-now_ms // 10_000) * 10_000))

        pipe.end(dying, signal.SIGKILL)
        now_ms = int(time() * 1000)
        more = list(truth.events(1_000, seed=52, start_ms=now_ms, step_ms=20, services=4))
        for partition in range(4):
            send(pipe, more[partition::4], partition=partition)
        send_closers(pipe, now_ms + 120_000)
        expected = truth.windows([*events, *more], until_ms=now_ms + 110_000)
        subjects = {f"silent_partition:{pipe.prefix}query-events/{partition}" for partition in theirs}
        with closing(pipe.follow("alerts")) as alerts, closing(pipe.follow("windows")) as windows:
            pipe.until(lambda: subjects == told(alerts.more(), "firing", now_ms), 20, "the silence is told")
            pipe.until(lambda: len(incomplete(windows.more())) > 0, 20, "windows close without the silent partitions")
            held = incomplete(windows.records)
            pipe.until(lambda: subjects == told(alerts.more(), "resolved", now_ms), 40, "the alerts resolve")
            pipe.until(lambda: not differences(windows.more(), expected), 20, "all windows are made good")

    assert len(theirs) == 2
    assert [theirs] * len(held) == [one["incomplete"] for one in held]
    assert {True} == {one["final"] for one in held}
    assert sum(one["count"] for one in held) < sum(expected[key_of(one)]["count"] for one in held)
    assert [] == [one for key, one in last_revisions(windows.records).items() if key in expected and one["incomplete"]]


def told(alerts: list[dict[str, Any]], state: str, since_ms: int) -> set[str]:
    """Return the silent partitions whose alerts came into a state since then."""
    health = [one for one in alerts if one["type"] == "pipeline_health" and one["at_ms"] >= since_ms]
    return {one["causes"][0] for one in health if one["state"] == state}


def incomplete(windows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return windows that say they may lack events."""
    return [one for one in windows if one["incomplete"]]


def key_of(window: dict[str, Any]) -> tuple[str, int, int]:
    """Return what the independent count calls a window."""
    return window["service"], window["window_size_ms"], window["window_start_ms"]
