"""Ten thousand records, right and wrong ones mixed: each is accepted or rejected, none is lost, none stops anything."""

import json
import random
from base64 import b64decode
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import time
from typing import Any

from confluent_kafka import Producer

import truth
from bad_records import KINDS, LARGE_KINDS, BadKind
from final_windows import await_exact, minutes_ago
from pipeline import Pipeline, pipeline
from topic_log import by_id

RECORDS = 10_000
GOOD = 6_000

Origin = tuple[int, int]
"""Partition and offset of a record."""


def test_every_record_is_accepted_or_rejected_with_reason_field_and_origin(kafka: str, tmp_path: Path) -> None:
    events = list(truth.events(GOOD, seed=24, start_ms=minutes_ago(30), step_ms=10, services=4))
    bad = [*LARGE_KINDS * 3, *(KINDS[number % len(KINDS)] for number in range(RECORDS - GOOD - 3 * len(LARGE_KINDS)))]

    with pipeline(kafka, tmp_path, RAGPULSE_INGEST__TICK_AFTER_SECONDS="0.5") as pipe:
        pipe.start("ingest", 2)
        pipe.start("slo")
        produced = produce_mixed(pipe, events, bad)
        counts = await_counts(pipe, RECORDS)
        rejected = by_id(pipe.read("rejected-events"))
        await_exact(pipe, events)

    assert (RECORDS, GOOD, RECORDS - GOOD) == (
        counts["records"] - counts["ticks"],
        counts["accepted"],
        counts["rejected"],
    )
    assert 0 == counts["lost"]
    assert produced == {(one["partition"], one["offset"]): verdict_of(one) for one in rejected}
    assert {f"{pipe.prefix}query-events"} == {one["topic"] for one in rejected}


def produce_mixed(pipe: Pipeline, events: list[dict[str, Any]], bad: list[BadKind]) -> dict[Origin, Any]:
    """Produce all in a random order that keeps the events' own; return by origin what must be said of the bad ones."""
    draw, now_ms = random.Random(24), int(time() * 1000)
    kinds = draw.sample(bad, len(bad))
    is_good = draw.sample([True] * len(events) + [False] * len(bad), RECORDS)
    rightful, wrong = iter(events), iter(kinds)
    expected: dict[Origin, Any] = {}

    def delivered(kind: BadKind | None) -> Any:
        def remember(error: Any, message: Any) -> None:
            assert error is None
            if kind is not None:
                said = (kind.reason.value, kind.field, message.value(), message.key())
                expected[message.partition(), message.offset()] = said

        return remember

    producer = Producer({"bootstrap.servers": pipe.bootstrap, "linger.ms": 20, "acks": "all"})
    for number, good in enumerate(is_good):
        kind = None if good else next(wrong)
        value = json.dumps(next(rightful)).encode() if kind is None else kind.make(number, now_ms)
        key = f"key-{number}".encode()
        producer.produce(f"{pipe.prefix}query-events", value, key, on_delivery=delivered(kind))
        producer.poll(0)
    assert producer.flush(30) == 0
    return expected


def verdict_of(rejected: dict[str, Any]) -> Any:
    """Return reason, field, the original bytes and the original key of a dead letter."""
    assert rejected["size_bytes"] == len(b64decode(rejected["payload_base64"] or ""))
    payload, key = (
        None if text is None else b64decode(text) for text in (rejected["payload_base64"], rejected["key_base64"])
    )
    return rejected["reason"], rejected["field"], payload, key


def await_counts(pipe: Pipeline, records: int) -> Counter[str]:
    """Wait until segments with that many records are closed; return their counts."""
    counts: Counter[str] = Counter()

    def closed() -> bool:
        counts.clear()
        for segment in by_id(log.more()):
            counts.update(segment["counts"])
        return counts["records"] - counts["ticks"] >= records

    with closing(pipe.follow("audit")) as log:
        pipe.until(closed, 60, "every record is in a closed segment")
    return counts
