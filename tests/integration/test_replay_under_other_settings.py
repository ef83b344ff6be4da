"""A crash before the commit of a segment; what starts instead has another policy, other limits and another clock.

The segment that was cut short is built again with what its start is pinned to: only the next one follows the new settings.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import truth
from faulty_worker import GONE
from final_windows import CLOSED_AFTER_MS, last_revisions, minutes_ago, send, send_closers
from pipeline import POLICY, Pipeline, pipeline
from topic_log import by_id

BEFORE = (400, 12)
AFTER = (150, 3)
"""Records in a block, and cells in a segment: eight services have more."""


@pytest.mark.parametrize("point", ["exit_at_commit=4", "exit_at_send=audit/6"], ids=["last send done", "cells sent"])
def test_a_replay_under_other_settings_policy_and_clock_counts_nothing_twice(
    kafka: str, tmp_path: Path, point: str
) -> None:
    events = list(truth.events(4_000, seed=27, start_ms=minutes_ago(30), step_ms=50, services=8))
    end_ms = events[-1]["occurred_at_ms"] + CLOSED_AFTER_MS
    expected = totals(truth.windows(events, until_ms=end_ms).items())

    with pipeline(kafka, tmp_path, RAGPULSE_INGEST__TICK_AFTER_SECONDS="0.5") as pipe:
        settle(pipe, *BEFORE)
        first = pipe.start_faulty("ingest", **dict([point.split("=")]))
        pipe.start("slo")
        send(pipe, events[:2_500])
        crashed = pipe.code_of(first, 30)
        settle(pipe, *AFTER)
        pipe.start_faulty("ingest", clock_ahead_seconds=600)
        send(pipe, events[2_500:])
        send_closers(pipe, end_ms + 10_000)
        found = await_totals(pipe, expected)
        segments = by_id(pipe.read("audit"))

    assert GONE == crashed
    assert expected == found
    assert sum(segment["counts"]["overflow"] for segment in segments) > 0  # the caps did count
    assert {BEFORE, AFTER} == {parameters for chain in chains(segments) for parameters in follow(chain)}
    assert 0 == sum(segment["counts"]["rejected"] for segment in segments)


def settle(pipe: Pipeline, block_size: int, cell_cap: int) -> None:
    """Write the policy and the setting that a worker has from now on."""
    (pipe.directory / "policy.yaml").write_text(f"{POLICY}bounds: {{cells_per_segment: {cell_cap}}}\n")
    pipe.environment["RAGPULSE_INGEST__BLOCK_SIZE"] = str(block_size)


def totals(windows: Iterable[tuple[Any, dict[str, Any]]]) -> dict[tuple[int, int], Counter[Any]]:
    """Add the services up by window: where a segment has its cap of cells, events keep their figures and not their service."""
    found: dict[tuple[int, int], Counter[Any]] = {}
    for (service, size_ms, start_ms), figures in windows:
        if service != "closer":
            total = found.setdefault((size_ms, start_ms), Counter())
            total.update({name: value for name, value in figures.items() if not isinstance(value, dict)})
            total.update(figures["status_counts"])
            total.update(figures["buckets"])
    return found


def await_totals(pipe: Pipeline, expected: dict[Any, Any]) -> dict[Any, Any]:
    """Wait until all these windows are final in all partitions; return their totals."""
    events = sum(total["count"] for total in expected.values())

    def found() -> dict[Any, Any]:
        last = {key: truth.figures_of(window) for key, window in last_revisions(log.more()).items()}
        return {key: total for key, total in totals(last.items()).items() if key in expected}

    with closing(pipe.follow("windows")) as log:
        pipe.until(lambda: sum(t["count"] for t in found().values()) >= events, 60, "all events are in windows")
        log.to_the_end()
        return found()


def chains(segments: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the segments of each partition in offset order."""
    found: dict[int, list[dict[str, Any]]] = {}
    for segment in segments:
        found.setdefault(segment["partition"], []).append(segment)
    return [sorted(chain, key=lambda segment: int(segment["start"])) for chain in found.values()]


def follow(chain: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """Return what each segment of a chain was built with; assert that it was, and that the chain has neither gap nor overlap."""
    parameters, reached, found = BEFORE, 0, []
    for segment in chain:
        assert reached == segment["start"]
        assert segment["start"] // parameters[0] == (segment["end"] - 1) // parameters[0]
        found.append(parameters)
        pinned = segment["pins"]["parameters"]
        parameters, reached = (pinned["block_size"], pinned["cell_cap"]), segment["end"]
    return found
