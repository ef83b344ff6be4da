"""Producers that use transactions: what they abort never happened, and the markers in the log are no loss."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

import truth
from final_windows import await_exact, minutes_ago, send
from pipeline import Pipeline, pipeline
from ragpulse.streams.topology import SOURCE_PARTITIONS
from topic_log import by_id


def test_aborted_events_are_not_counted_and_markers_are_no_lost_offsets(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(3_000, seed=25, start_ms=minutes_ago(30), step_ms=20, services=4))
    before, committed, after = events[:1_000], events[1_000:2_000], events[2_000:]
    aborted = [{**event, "event_id": f"aborted-{event['event_id']}"} for event in committed]

    with pipeline(kafka, tmp_path, RAGPULSE_INGEST__TICK_AFTER_SECONDS="0.5") as pipe:
        [ingest] = pipe.start("ingest")
        pipe.start("slo")
        send(pipe, before)
        transact(pipe, aborted[:500], commit=False)
        transact(pipe, committed, commit=True)
        transact(pipe, aborted[500:], commit=False)
        send(pipe, after)
        await_exact(pipe, events)
        transact(pipe, aborted[:4], commit=False)  # the last thing in the log: the drain has to see beyond it
        assert 0 == pipe.end(ingest)
        counts: Counter[str] = Counter()
        for segment in by_id(pipe.read("audit")):
            counts.update(segment["counts"])

        assert len(events) == counts["accepted"] - SOURCE_PARTITIONS  # the closers
        assert (0, 0, 0) == (counts["lost"], counts["rejected"], counts["duplicates"])
        assert [] == pipe.said(ingest, "offsets left the log before they were read")


def transact(pipe: Pipeline, events: list[dict[str, Any]], *, commit: bool) -> None:
    """Produce events in one transaction, and commit or abort it."""
    producer = Producer({"bootstrap.servers": pipe.bootstrap, "transactional.id": f"{pipe.prefix}application"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for event in events:
        producer.produce(f"{pipe.prefix}query-events", json.dumps(event).encode(), event["event_id"])
    assert producer.flush(30) == 0
    (producer.commit_transaction if commit else producer.abort_transaction)(30)
