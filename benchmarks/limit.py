"""The limit for Python: a librdkafka loop written by hand that only decodes and folds. Prints events a second.

The same struct, columns, buckets and cells as ragpulse's ingest, as fast as we know how. What it leaves out is what makes
ingest right: validation, repeats, lateness, segments, users, the audit trail, any output, and starting again after a crash.

    python benchmarks/limit.py BOOTSTRAP TOPIC EVENTS
"""

import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from confluent_kafka import Consumer

from ragpulse.schemas.query_event import QueryEvent
from ragpulse.streams.histogram import BOUNDS_US

BATCH = 1_000  # fits into the processor's cache; 5,000 are slower
PANE_MS = 10_000
NUMBERS = ("latency_ms", "quality_score", "cost_usd", "input_tokens", "output_tokens", "documents")
FACTORS = np.array([[1e3], [1e6], [1e9], [1], [1], [1]])
HAS_LATENCY = ("ok", "timeout")

decode = msgspec.json.Decoder(QueryEvent).decode


class Totals:
    """Sums by (tenant, service, operation, variant, pane): rows are count, failures, then a count and a sum a number."""

    def __init__(self) -> None:
        self.cells: dict[tuple[Any, ...], int] = {}
        self.sums = np.zeros((2 + 2 * len(NUMBERS), 1 << 16))
        self.buckets: list[np.ndarray] = []

    def fold(self, values: Sequence[bytes]) -> None:
        """Decode and add up a batch."""
        events = [decode(value) for value in values]
        cells = self.cells
        numbers = np.rint(np.array([_column(events, name) for name in NUMBERS], dtype=np.float64) * FACTORS)
        failed = np.array([event.status not in HAS_LATENCY for event in events])
        numbers[0, failed] = np.nan
        places = np.array(
            [
                cells.setdefault(
                    (event.tenant, event.service, event.operation, event.variant, event.occurred_at_ms // PANE_MS),
                    len(cells),
                )
                for event in events
            ]
        )
        there = ~np.isnan(numbers)
        rows = np.concatenate((np.ones((1, len(events))), failed[None], there, np.where(there, numbers, 0.0)))
        for total, row in zip(self.sums, rows, strict=True):
            total[: len(cells)] += np.bincount(places, row, len(cells))
        timed = numbers[0] > 0
        self.buckets.append(places[timed] << 12 | np.searchsorted(BOUNDS_US, numbers[0, timed]))

    def histograms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return packed (cell, bucket) and their counts."""
        packed = np.sort(np.concatenate(self.buckets))
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        return packed[starts], np.diff(starts, append=len(packed))


def _column(events: Sequence[QueryEvent], name: str) -> list[Any]:
    if name == "documents":
        return [None if event.documents is None else len(event.documents) for event in events]
    return [getattr(event, name) for event in events]


def main(bootstrap: str, topic: str, count: int) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"limit-{uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 4_000_000,
            "queued.min.messages": 100_000,
            # Else librdkafka pauses a full partition for a second, and the loop starves: 69,000/s became its limit.
            "fetch.queue.backoff.ms": 10,
        }
    )
    consumer.subscribe([topic])
    totals, read, began = Totals(), 0, 0.0
    while read < count:
        messages = [message for message in consumer.consume(BATCH, 1.0) if message.error() is None]
        if messages and not read:
            began = perf_counter()
        if messages:
            totals.fold([value for message in messages if (value := message.value())])
        read += len(messages)
    totals.histograms()
    print(
        f"librdkafka, msgspec and numpy by hand: {read / (perf_counter() - began):,.0f} events/s, {len(totals.cells)} cells"
    )
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
