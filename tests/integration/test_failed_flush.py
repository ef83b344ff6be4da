"""One of the partitions that a flush writes to refuses: nothing is committed, nothing is lost, nothing counted twice."""

from pathlib import Path

import truth
from final_windows import await_exact, minutes_ago, send
from pipeline import pipeline
from ragpulse.schemas.errors import StuckError
from ragpulse.streams.segments.flush import partition_of
from ragpulse.streams.topology import WINDOW_PARTIALS

SERVICES = 6
CELLS = 1
"""Where a flush, an array on the wire, has them."""


def test_a_flush_that_one_partition_refuses_ends_the_process_and_is_repeated_whole(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(4_000, seed=23, start_ms=minutes_ago(30), step_ms=20, services=SERVICES))
    refusing = partition_of("svc-0", WINDOW_PARTIALS.partitions)
    others = {partition_of(f"svc-{number}", WINDOW_PARTIALS.partitions) for number in range(SERVICES)} - {refusing}

    with pipeline(kafka, tmp_path, RAGPULSE_INGEST__BLOCK_SIZE="200") as pipe:
        ingest = pipe.start_faulty("ingest", refuse_cells=refusing)
        pipe.start("slo")
        send(pipe, events[:2_000])
        pipe.until(lambda: bool(pipe.said(ingest, "worker ends")), 30, "the flush fails")
        [end] = pipe.said(ingest, "worker ends")
        written = {one["_partition"] for one in pipe.read("window-partials") if one["value"][CELLS]}
        pipe.until(lambda: len(ingest.starts) > 0, 30, "the supervisor starts it again")
        send(pipe, events[2_000:])
        await_exact(pipe, events)

        assert StuckError.exit_code == end["exit_code"]
        assert "window-partials" in end["reason"]
        assert others == written  # the same flush did reach them
