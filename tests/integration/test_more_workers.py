"""Workers added while events flow: partitions move, counts stay exact, and whoever gets no partition stands by in peace."""

import os
import threading
from pathlib import Path
from time import sleep
from typing import Any

import truth
from final_windows import await_exact, minutes_ago, send
from pipeline import Pipeline, pipeline
from ragpulse.console.supervisor import Worker
from ragpulse.streams.topology import SOURCE_PARTITIONS


def test_added_workers_take_partitions_over_and_further_ones_stand_by(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(6_000, seed=22, start_ms=minutes_ago(30), step_ms=20, services=4))

    # Longer than elsewhere: seven processes that start at once on a small machine must not fence themselves.
    with pipeline(kafka, tmp_path, RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS="8") as pipe:
        pipe.wait_ready(pipe.start("ingest") + pipe.start("slo"))
        flow = threading.Thread(target=send_slowly, args=(pipe, events))
        flow.start()
        pipe.start("slo")
        pipe.start("ingest", SOURCE_PARTITIONS)  # one more than there are partitions
        pipe.wait_ready(pipe.supervisor.workers)
        flow.join()
        await_exact(pipe, events)

        assert 0 == sum(len(pipe.said(worker, "worker ends")) for worker in pipe.supervisor.workers)
        assert {200} == {
            pipe.ask(each, path)[0] for each in pipe.supervisor.workers for path in ("/readyz", "/healthz")
        }
        before = [cpu_seconds(each) for each in pipe.supervisor.workers]
        sleep(1)  # a stretch of time is what is measured
        assert [] == [
            each.name
            for each, spent in zip(pipe.supervisor.workers, before, strict=True)
            if cpu_seconds(each) - spent > 0.25
        ]


def send_slowly(pipe: Pipeline, events: list[dict[str, Any]]) -> None:
    """Produce over about ten seconds: for as long as workers come and partitions move."""
    for start in range(0, len(events), 300):
        send(pipe, events[start : start + 300])
        sleep(0.5)


def cpu_seconds(worker: Worker) -> float:
    """Return what a process has used of the processor so far."""
    assert worker.process is not None
    fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
