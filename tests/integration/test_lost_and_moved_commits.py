"""Commits that were lost or moved behind the workers' back, and logs that were cut: nothing is counted twice."""

import signal
from pathlib import Path
from typing import Any

import truth
from final_windows import await_exact, minutes_ago, send
from offsets import commits, delete_before, delete_group, log_ends, move_commit, recreate, wait_left
from pipeline import Pipeline, pipeline
from ragpulse.console.supervisor import Worker
from ragpulse.schemas.errors import StuckError
from ragpulse.streams.topology import SOURCE_PARTITIONS
from topic_log import by_id

SETTINGS = {
    "RAGPULSE_KAFKA__SESSION_TIMEOUT_SECONDS": "3",
    "RAGPULSE_INGEST__TICK_AFTER_SECONDS": "0.5",
    "RAGPULSE_INGEST__BLOCK_SIZE": "100",
}


def test_lost_and_moved_commits_and_a_topic_made_anew_count_nothing_twice(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(5_000, seed=28, start_ms=minutes_ago(40), step_ms=20, services=4))
    anew = list(truth.events(1_000, seed=29, start_ms=minutes_ago(20), step_ms=20, services=4))

    with pipeline(kafka, tmp_path, **SETTINGS) as pipe:
        pipe.start("slo")
        read_and_kill(pipe, events[:2_000])
        delete_group(pipe, "ingest")
        read_and_kill(pipe, events[2_000:3_000])
        move_commit(pipe, "ingest", {0: 0, 1: 0, 2: 150, 3: 150})  # to the beginning, and into a segment
        read_and_kill(pipe, events[3_000:4_000])
        [ingest] = pipe.start("ingest")
        send(pipe, events[4_000:])
        await_exact(pipe, events)
        assert 0 == pipe.end(ingest)
        recreate(pipe, "query-events")
        [ingest] = pipe.start("ingest")
        send(pipe, anew)
        await_exact(pipe, [*events, *anew])
        segments = by_id(pipe.read("audit"))

    chains = chains_of(segments)
    assert 2 * SOURCE_PARTITIONS == len(chains)  # of the topic, and of the one made anew
    for chain in chains:
        assert [0, *(one["end"] for one in chain)] == [*(one["start"] for one in chain), chain[-1]["end"]]
        assert [*range(1, len(chain) + 1)] == [one["pins"]["index"] for one in chain]


def test_a_worker_whose_topic_is_made_anew_ends_and_says_so(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(400, seed=34, start_ms=minutes_ago(30), step_ms=20, services=4))

    with pipeline(kafka, tmp_path, **SETTINGS) as pipe:
        [ingest] = pipe.start("ingest")
        pipe.let_go(ingest)
        send(pipe, events)
        await_read(pipe, ingest)
        recreate(pipe, "query-events")
        send(pipe, events[:40])
        code = pipe.code_of(ingest, 20)

    assert StuckError.exit_code == code
    [end] = pipe.said(ingest, "worker ends")
    assert f"Topic {pipe.prefix}query-events was deleted" in end["reason"]


def test_offsets_that_left_the_log_before_they_were_read_are_named_and_counting_goes_on(
    kafka: str, tmp_path: Path
) -> None:
    events = list(truth.events(3_000, seed=30, start_ms=minutes_ago(30), step_ms=20, services=4))
    read, gone, left = events[:1_000], events[1_000:1_040], events[1_040:]

    with pipeline(kafka, tmp_path, **SETTINGS) as pipe:
        pipe.start("slo")
        [first] = pipe.start("ingest")
        send(pipe, read)
        await_read(pipe, first)
        assert 0 == pipe.end(first)
        start = commits(pipe, "ingest")[0]
        send(pipe, gone, partition=0)
        send(pipe, left)
        delete_before(pipe, "query-events", 0, start + len(gone))
        [ingest] = pipe.start("ingest")
        await_exact(pipe, [*read, *left])
        segments = by_id(pipe.read("audit"))
        counted = pipe.metric(ingest, "ragpulse_lost_offsets_total", partition=0)

    lost = {(one["partition"], one["start"], one["counts"]["lost"]) for one in segments if one["counts"]["lost"]}
    assert {(0, start, len(gone))} == lost
    assert len(gone) == counted
    [said] = pipe.said(ingest, "offsets left the log before they were read")
    assert (0, start, start + len(gone)) == (said["partition"], said["first"], said["end"])


def read_and_kill(pipe: Pipeline, events: list[dict[str, Any]]) -> None:
    """Let a worker read all events and kill it, with a segment open; return when its group is free."""
    [worker] = pipe.start("ingest")
    send(pipe, events)
    await_read(pipe, worker)
    pipe.end(worker, signal.SIGKILL)
    wait_left(pipe, "ingest")


def await_read(pipe: Pipeline, worker: Worker) -> None:
    """Wait until a worker has published what it read of the whole log."""
    ends = log_ends(pipe, ["query-events"])
    pipe.until(
        lambda: all(
            pipe.metric(worker, "ragpulse_read_position", partition=part) >= end for (_, part), end in ends.items()
        ),
        30,
        "all events are read",
    )


def chains_of(segments: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the segments of each partition of each topic in offset order."""
    chains: dict[Any, list[dict[str, Any]]] = {}
    for segment in sorted(segments, key=lambda one: int(one["start"])):
        chains.setdefault((segment["pins"]["topic_id"], segment["partition"]), []).append(segment)
    return list(chains.values())
