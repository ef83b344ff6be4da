"""`kill -9` over ingest and slo workers while events flow: final windows equal an independent count, exactly."""

import random
import threading
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

import truth
from final_windows import await_windows, minutes_ago, send, send_closers
from pipeline import Pipeline, pipeline

STEP_MS = 10
CLOSED_AFTER_MS = 2 * 3_600_000
"""Behind the last event: windows of every size up to an hour are closed."""
SESSION = {"RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS": "6"}


def send_steadily(pipe: Pipeline, events: list[dict[str, Any]], per_second: int) -> None:
    """Produce at a steady rate, then what closes the windows."""
    chunk = max(1, per_second // 10)
    began = monotonic()
    for start in range(0, len(events), chunk):
        send(pipe, events[start : start + chunk])
        sleep(max(0.0, began + (start + chunk) / per_second - monotonic()))
    send_closers(pipe, events[-1]["occurred_at_ms"] + CLOSED_AFTER_MS)


def run_with_kills(pipe: Pipeline, events: list[dict[str, Any]], *, per_second: int, kills: int, seed: int) -> None:
    """Let 2 ingest and 2 slo workers process the events while random ones are killed."""
    workers = pipe.start("ingest", 2) + pipe.start("slo", 2)
    pipe.wait_ready(workers)
    producer = threading.Thread(target=send_steadily, args=(pipe, events, per_second))
    producer.start()
    draw = random.Random(seed)
    seconds = len(events) / per_second
    for number in range(kills):
        until = monotonic() + seconds / kills * draw.uniform(0.6, 1.2)
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
    end_ms = events[-1]["occurred_at_ms"] + CLOSED_AFTER_MS - 10_000
    await_windows(pipe, truth.windows(events, until_ms=end_ms), seconds)


@pytest.mark.timeout(240)
def test_four_kills_over_two_roles_leave_every_final_window_exact(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(60_000, seed=11, start_ms=minutes_ago(240), step_ms=STEP_MS))

    with pipeline(kafka, tmp_path, **SESSION, RAGPULSE_SLO__SNAPSHOT_SECONDS="3") as pipe:
        run_with_kills(pipe, events, per_second=2_000, kills=4, seed=11)
        assert pipe.kills >= 4
        check(pipe, events, 90)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_events_and_ten_kills_leave_every_final_window_exact(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(1_000_000, seed=12, start_ms=minutes_ago(360), step_ms=STEP_MS))

    with pipeline(kafka, tmp_path, **SESSION, RAGPULSE_SLO__SNAPSHOT_SECONDS="10") as pipe:
        run_with_kills(pipe, events, per_second=7_000, kills=10, seed=12)
        assert pipe.kills >= 8
        check(pipe, events, 300)
