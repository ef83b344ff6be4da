"""The limit for Python: a librdkafka loop written by hand that only decodes and folds. Prints events a second.

The same struct, the same columns, statuses, buckets, user registers and cells as ragpulse's ingest, as fast as we know how.
What it leaves out is what makes ingest right: validation, repeats, lateness, segments, the audit trail, any output, and
starting again after a crash.

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
from ragpulse.streams.distinct import registers_of
from ragpulse.streams.histogram import BOUNDS_US

BATCH = 1_000  # fits into the processor's cache; 5,000 are slower
PANE_MS = 10_000
FACTORS = {
    "latency_ms": 1e3,
    "quality_score": 1e6,
    "cost_usd": 1e9,
    "input_tokens": 1.0,
    "output_tokens": 1.0,
    "documents": 1.0,
    "user_rating": 1e6,
    "retrieval_ms": 1e3,
    "generation_ms": 1e3,
}
HAS_LATENCY = ("ok", "timeout")
STATUS_ROWS = {"ok": 1, "error": 2, "timeout": 3, "rejected": 4}
ROWS_BEFORE_NUMBERS = 1 + len(STATUS_ROWS)

decode = msgspec.json.Decoder(QueryEvent).decode


class Totals:
    """Sums by (tenant, service, operation, variant, pane): rows are count, statuses, then a count and a sum a number."""

    def __init__(self) -> None:
        self.cells: dict[tuple[Any, ...], int] = {}
        self.sums = np.zeros((ROWS_BEFORE_NUMBERS + 2 * len(FACTORS), 1 << 16))
        self.buckets: list[np.ndarray] = []
        self.users: list[np.ndarray] = []

    def fold(self, values: Sequence[bytes]) -> None:
        """Decode and add up a batch."""
        events = [decode(value) for value in values]
        cells = self.cells
        places = np.array(
            [
                cells.setdefault(
                    (event.tenant, event.service, event.operation, event.variant, event.occurred_at_ms // PANE_MS),
                    len(cells),
                )
                for event in events
            ]
        )
        self._add(0, places, None)
        statuses = np.array([STATUS_ROWS[event.status] for event in events])
        for row in np.unique(statuses):
            self._add(row, places[statuses == row], None)
        for number, (name, factor) in enumerate(FACTORS.items()):
            self._fold_number(ROWS_BEFORE_NUMBERS + 2 * number, places, _column(events, name), factor)
        timed = np.array(
            [event.latency_ms if event.status in HAS_LATENCY else None for event in events], dtype=np.float64
        )
        measured = timed > 0
        self.buckets.append(places[measured] << 12 | np.searchsorted(BOUNDS_US, np.rint(timed[measured] * 1e3)))
        known = np.array([event.user_id is not None for event in events])
        registers = registers_of([event.user_id for event in events if event.user_id is not None])
        self.users.append(places[known] << 16 | registers)

    def _fold_number(self, row: int, places: np.ndarray, column: list[Any], factor: float) -> None:
        if column.count(None) == len(column):
            return
        values = np.rint(np.array(column, dtype=np.float64) * factor)
        there = ~np.isnan(values)
        self._add(row, places[there], None)
        self._add(row + 1, places[there], values[there])

    def _add(self, row: int, places: np.ndarray, weights: np.ndarray | None) -> None:
        self.sums[row, : len(self.cells)] += np.bincount(places, weights, len(self.cells))

    def results(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return packed (cell, bucket), their counts, and packed (cell, register) of the users."""
        packed = np.sort(np.concatenate(self.buckets))
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        return packed[starts], np.diff(starts, append=len(packed)), np.unique(np.concatenate(self.users))


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
    totals.results()
    print(
        f"librdkafka, msgspec and numpy by hand: {read / (perf_counter() - began):,.0f} events/s, {len(totals.cells)} cells"
    )
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
