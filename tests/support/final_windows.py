"""Events into a pipeline, and its final windows compared with an independent count."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from time import time
from typing import Any

import truth
from pipeline import Pipeline
from ragpulse.streams.topology import SOURCE_PARTITIONS

CLOSED_AFTER_MS = 330_000
"""How far behind the last event windows are waited for: all of one and five minutes that hold an event."""


def minutes_ago(minutes: float) -> int:
    """Return a time in epoch milliseconds."""
    return int((time() - minutes * 60) * 1000)


def send(pipe: Pipeline, events: Iterable[dict[str, Any]], **options: Any) -> None:
    """Produce events, keyed by their id."""
    pipe.produce("query-events", ((event["event_id"], json.dumps(event).encode()) for event in events), **options)


def send_closers(pipe: Pipeline, at_ms: int, partitions: Iterable[int] = range(SOURCE_PARTITIONS)) -> None:
    """Produce one event a partition, so that every window that ends 10 s before it becomes final."""
    for partition in partitions:
        closer = {
            "event_id": f"closer-{partition}-{at_ms}",
            "occurred_at_ms": at_ms,
            "service": "closer",
            "operation": "query_processing",
            "status": "ok",
            "latency_ms": 1,
        }
        pipe.produce("query-events", [(None, json.dumps(closer).encode())], partition=partition)


def await_exact(pipe: Pipeline, events: Sequence[dict[str, Any]], seconds: float = 60) -> list[dict[str, Any]]:
    """Let every window of one and five minutes over the events become final and exact; return all windows."""
    end_ms = max(event["occurred_at_ms"] for event in events) + CLOSED_AFTER_MS
    send_closers(pipe, end_ms + 10_000)
    return await_windows(pipe, truth.windows(events, until_ms=end_ms), seconds)


def await_windows(pipe: Pipeline, expected: dict[Any, Any], seconds: float = 60) -> list[dict[str, Any]]:
    """Wait until the last revision of each of these windows is final and exact; return all windows."""
    with closing(pipe.follow("windows")) as log:

        def wrong() -> str:
            found = differences(log.records, expected)
            return f"{len(found)} of {len(expected)} windows are not as expected, such as {next(iter(found.items()), None)}"

        pipe.until(lambda: not differences(log.more(), expected), seconds, wrong)
        records = log.to_the_end()
    assert {} == differences(records, expected)
    return records


def differences(records: Iterable[dict[str, Any]], expected: dict[Any, Any]) -> dict[Any, Any]:
    """Return what was expected and what was found, for each window whose last revision is not (yet) as expected."""
    last = last_revisions(records)
    found = {key: truth.figures_of(last[key]) if key in last else None for key in expected}
    return {key: (figures, found[key]) for key, figures in expected.items() if figures != found[key]}


def last_revisions(records: Iterable[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return the last revision of each final window; assert that no revision contradicts itself."""
    last: dict[Any, dict[str, Any]] = {}
    bodies: dict[tuple[Any, ...], bytes] = {}
    for one in records:
        key = (one["service"], one["window_size_ms"], one["window_start_ms"])
        assert bodies.setdefault((*key, one["revision"]), one["_raw"]) == one["_raw"]
        if one["final"] and (key not in last or one["revision"] >= last[key]["revision"]):
            last[key] = one
    return last
