"""A worker that was stopped for longer than its session: others have its partitions, and it must not write again."""

import signal
from pathlib import Path

import truth
from final_windows import await_exact, minutes_ago, send
from offsets import commits, log_ends
from pipeline import pipeline
from ragpulse.schemas.errors import StuckError


def test_a_worker_stopped_beyond_its_session_ends_on_waking_before_it_writes(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(4_000, seed=21, start_ms=minutes_ago(30), step_ms=20, services=4))

    with pipeline(kafka, tmp_path) as pipe:
        stopped = pipe.start("ingest") + pipe.start("slo")
        others = pipe.start("ingest") + pipe.start("slo")
        pipe.wait_ready([*stopped, *others])
        send(pipe, events[:2_000])
        pipe.until(lambda: pipe.metric(stopped[0], "ragpulse_read_position") > 0, 10, "it reads")
        send(pipe, events[2_000:])
        for worker in stopped:  # with records in hand that it has read and not written
            pipe.kill(worker, signal.SIGSTOP)
        await_exact(pipe, events)
        for worker in others:  # so that whatever is written from now on is written by those that wake
            assert 0 == pipe.end(worker)
        before = (log_ends(pipe), commits(pipe, "ingest"), commits(pipe, "slo"))

        for worker in stopped:
            pipe.kill(worker, signal.SIGCONT)
        codes = [pipe.code_of(worker, 10) for worker in stopped]

        assert [StuckError.exit_code] * 2 == codes
        assert before == (log_ends(pipe), commits(pipe, "ingest"), commits(pipe, "slo"))
