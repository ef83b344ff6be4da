"""`kill -9` over ingest and slo workers while events flow: final windows equal an independent count, exactly."""

import json
import random
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import pytest

import truth
from pipeline import Pipeline, pipeline, produce

PARTITIONS = 4
STEP_MS = 10


def compare_windows(records: Iterable[dict[str, Any]], expected: dict[Any, Any]) -> None:
    """Assert that the last revision of each final window equals the independent count, and that no revision contradicts itself."""
    last: dict[Any, dict[str, Any]] = {}
    bodies: dict[tuple[Any, ...], bytes] = {}
    for record in records:
        key = (record["service"], record["window_size_ms"], record["window_start_ms"])
        assert bodies.setdefault((*key, record["revision"]), record["_raw"]) == record["_raw"]
        if record["final"] and (key not in last or record["revision"] >= last[key]["revision"]):
            last[key] = record
    found = {key: truth.figures_of(record) for key, record in last.items() if key in expected}
    assert found == expected


def closers(at_ms: int) -> list[tuple[int, bytes]]:
    """One late event a partition, so that every window before it becomes final."""
    return [
        (
            partition,
            json.dumps(
                {
                    "event_id": f"closer-{partition}",
                    "occurred_at_ms": at_ms,
                    "service": "closer",
                    "operation": "query_processing",
                    "status": "ok",
                    "latency_ms": 1,
                },
            ).encode(),
        )
        for partition in range(PARTITIONS)
    ]


def produce_events(pipe: Pipeline, events: list[dict[str, Any]], per_second: int) -> None:
    """Produce at a steady rate, then the closers."""
    topic = f"{pipe.prefix}query-events"
    chunk = max(1, per_second // 10)
    began = monotonic()
    for start in range(0, len(events), chunk):
        produce(pipe.bootstrap, topic, ((e["event_id"], json.dumps(e).encode()) for e in events[start : start + chunk]))
        sleep(max(0.0, began + (start + chunk) / per_second - monotonic()))
    for partition, value in closers(events[-1]["occurred_at_ms"] + 2 * 3_600_000):
        produce(pipe.bootstrap, topic, [(None, value)], partition=partition)


def run_with_kills(pipe: Pipeline, events: list[dict[str, Any]], *, per_second: int, kills: int, seed: int) -> None:
    """Let 2 ingest and 2 slo workers process the events while random ones are killed."""
    workers = pipe.start("ingest", 2) + pipe.start("slo", 2)
    pipe.wait_ready(workers)
    producer = threading.Thread(target=produce_events, args=(pipe, events, per_second))
    producer.start()
    draw = random.Random(seed)
    seconds = len(events) / per_second
    for number in range(kills):
        pause = seconds / kills * draw.uniform(0.6, 1.2)
        until = monotonic() + pause
        while monotonic() < until:
            pipe.supervisor.watch()
            sleep(0.1)
        victim = workers[(number + draw.randrange(2) * 2) % 4]
        if victim.process is not None and victim.process.poll() is None:
            pipe.kill(victim)
    while producer.is_alive():
        pipe.supervisor.watch()
        sleep(0.1)


def check(pipe: Pipeline, events: list[dict[str, Any]], seconds: float) -> None:
    """Wait for all windows and compare them."""
    expected = truth.windows(events, until_ms=events[-1]["occurred_at_ms"] + 2 * 3_600_000 - 10_000)
    found: list[dict[str, Any]] = []

    def complete() -> bool:
        found[:] = pipe.read("windows")
        keys = {(r["service"], r["window_size_ms"], r["window_start_ms"]) for r in found if r["final"]}
        return expected.keys() <= keys

    pipe.until(complete, seconds, "all windows are final")
    compare_windows(found, expected)


@pytest.mark.kafka
@pytest.mark.timeout(240)
def test_four_kills_over_two_roles_leave_every_final_window_exact(kafka: str, tmp_path: Path) -> None:
    start_ms = int(time() * 1000) - 4 * 3_600_000
    events = list(truth.events(60_000, seed=11, start_ms=start_ms, step_ms=STEP_MS))

    with pipeline(kafka, tmp_path, RAGPULSE_SLO__SNAPSHOT_SECONDS="3") as pipe:
        run_with_kills(pipe, events, per_second=2_000, kills=4, seed=11)
        assert pipe.kills >= 4
        check(pipe, events, 90)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_events_and_ten_kills_leave_every_final_window_exact(kafka: str, tmp_path: Path) -> None:
    start_ms = int(time() * 1000) - 6 * 3_600_000
    events = list(truth.events(1_000_000, seed=12, start_ms=start_ms, step_ms=STEP_MS))

    with pipeline(kafka, tmp_path, RAGPULSE_SLO__SNAPSHOT_SECONDS="10") as pipe:
        run_with_kills(pipe, events, per_second=7_000, kills=10, seed=12)
        assert pipe.kills >= 8
        check(pipe, events, 300)
