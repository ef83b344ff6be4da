"""SIGTERM: a worker finishes what it has in hand, says so to the broker, and leaves nothing to be read again."""

import signal
from pathlib import Path

import truth
from final_windows import minutes_ago, send
from offsets import commits, log_ends
from pipeline import Pipeline, pipeline
from ragpulse.console.supervisor import Worker
from ragpulse.streams.topology import SOURCE_PARTITIONS


def test_sigterm_drains_every_role_and_the_next_worker_reads_nothing_again(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(3_000, seed=26, start_ms=minutes_ago(30), step_ms=20, services=4))

    with pipeline(kafka, tmp_path) as pipe:
        [ingest], [slo], [alerting], [notify] = (pipe.start(role) for role in ("ingest", "slo", "alerting", "notify"))
        pipe.wait_ready([ingest, slo, alerting, notify])
        send(pipe, events)
        pipe.until(lambda: pipe.metric(ingest, "ragpulse_read_position") > 0, 10, "segments are open")
        codes = [ended(pipe, ingest)]
        ends = log_ends(pipe)
        partials = {part: end for (topic, part), end in ends.items() if topic == "window-partials"}
        pipe.until(lambda: partials == positions(pipe, slo), 10, "slo has read to the end")
        codes += [ended(pipe, worker) for worker in (slo, alerting, notify)]

        assert [0, 0, 0, 0] == codes
        assert {part: end for (topic, part), end in ends.items() if topic == "query-events"} == commits(pipe, "ingest")
        assert partials == commits(pipe, "slo")
        [following] = pipe.start("ingest")
        pipe.wait_ready([following])
        starts = {one["partition"]: one["start"] for one in pipe.said(following, "partition taken over")}
        assert commits(pipe, "ingest") == starts


def ended(pipe: Pipeline, worker: Worker) -> int:
    """Ask a worker to end; return its exit code, which has to come within 20 s."""
    return pipe.end(worker, signal.SIGTERM, seconds=20)


def positions(pipe: Pipeline, worker: Worker) -> dict[int, float]:
    """Return where a worker reads, by partition."""
    return {part: pipe.metric(worker, "ragpulse_read_position", partition=part) for part in range(SOURCE_PARTITIONS)}
