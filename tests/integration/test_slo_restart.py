"""`kill -9` over slo: what it says again after the restart has the same ids and the same bytes, and nothing is missing."""

from pathlib import Path
from typing import Any

import truth
from final_windows import CLOSED_AFTER_MS, await_exact, await_windows, minutes_ago, send, send_closers
from offsets import commits
from pipeline import pipeline
from ragpulse.streams.topology import WINDOW_PARTIALS
from topic_log import by_id

OUTPUTS = ("windows", "sla-compliance", "violations", "signals")


def breaching(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make one service slow."""
    return [{**e, "latency_ms": 5_000.0} if e["service"] == "svc-0" and "latency_ms" in e else e for e in events]


def test_a_killed_slo_worker_goes_on_from_its_snapshot_and_contradicts_nothing(kafka: str, tmp_path: Path) -> None:
    first = breaching(list(truth.events(2_000, seed=31, start_ms=minutes_ago(40), step_ms=30, services=4)))
    then = list(truth.events(2_000, seed=32, start_ms=minutes_ago(25), step_ms=30, services=4))

    with pipeline(kafka, tmp_path, RAGPULSE_SLO__SNAPSHOT_SECONDS="4") as pipe:
        [slo] = pipe.start("slo")
        pipe.start("ingest")
        send(pipe, first)
        pipe.until(lambda: len(commits(pipe, "slo")) == WINDOW_PARTIALS.partitions, 30, "each partition has a snapshot")
        await_exact(pipe, first)
        pipe.kill(slo)  # what it wrote since the snapshots is written again
        pipe.until(lambda: len(slo.starts) > 1, 30, "the supervisor starts it again")
        send(pipe, then)
        await_exact(pipe, [*first, *then])
        records = {topic: pipe.read(topic) for topic in OUTPUTS}

        assert len(pipe.said(slo, "state restored")) >= 1
        distinct = {topic: by_id(found) for topic, found in records.items()}
        assert sum(map(len, records.values())) > sum(map(len, distinct.values()))  # something was said again
        assert {True} == {len(found) > 0 for found in distinct.values()}


def test_a_worker_killed_between_the_outputs_of_a_step_loses_none_of_them(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(2_000, seed=33, start_ms=minutes_ago(30), step_ms=30, services=4))
    end_ms = events[-1]["occurred_at_ms"] + CLOSED_AFTER_MS

    with pipeline(kafka, tmp_path, RAGPULSE_SLO__SNAPSHOT_SECONDS="0.05") as pipe:
        pipe.start("ingest")
        slo = pipe.start_faulty("slo", exit_at_send="windows/20")
        send(pipe, events)
        send_closers(pipe, end_ms + 10_000)
        pipe.until(lambda: len(slo.starts) > 0, 30, "it is gone, and started again")
        await_windows(pipe, truth.windows(events, until_ms=end_ms))
        for topic in OUTPUTS:
            by_id(pipe.read(topic))
