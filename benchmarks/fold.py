"""PartitionFold alone, on records in memory: microseconds an event, by stage, and a changed cell.

python benchmarks/fold.py [EVENTS] [SERVICES]
"""

import gc
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from event import FIRST_MS, events
from ragpulse.schemas.segment import FoldParameters, Pins
from ragpulse.streams.segments.cell_keys import CellKeys
from ragpulse.streams.segments.decode import decode_values
from ragpulse.streams.segments.flush import build_flushes, partition_of
from ragpulse.streams.segments.intake import CHUNK, take_in
from ragpulse.streams.segments.partition_fold import PartitionFold
from ragpulse.streams.segments.pins import Wanted

BATCH = 5_000
TARGETS = 4
ROUNDS = 5
EVENTS_A_FLUSH = 25_000
PARAMETERS = FoldParameters()
Batch = tuple[Any, ...]


def batches(count: int, services: int) -> list[Batch]:
    """Return the columns of consecutive batches, as the transport hands them over."""
    values = list(events(count, services))
    print(f"{count} events of {sum(map(len, values)) / count:.0f} bytes, {services} services, batches of {BATCH}")
    offsets = np.arange(count)
    appended = FIRST_MS + offsets * 1_000 // 50_000 + 5
    return [
        (offsets[at : at + BATCH], appended[at : at + BATCH], values[at : at + BATCH], [None] * BATCH, [()] * BATCH)
        for at in range(0, count, BATCH)
    ]


def least(name: str, per: int, work: Callable[[], Any]) -> float:
    """Run some rounds and print the fastest, in microseconds of processor time: other programs do not count."""
    seconds = min(_processor_seconds(work) for _ in range(ROUNDS))
    print(f"{name:<28}{seconds / per * 1e6:8.2f} us")
    return seconds


def _processor_seconds(work: Callable[[], Any]) -> float:
    began = process_time()
    work()
    return process_time() - began


def fresh_fold() -> PartitionFold:
    """Return a fold that begins at the log's start."""
    pins = Pins(topic_id="t", parameters=PARAMETERS, policy_digest="d")
    return PartitionFold("rag.query-events", 0, 0, pins, Wanted(PARAMETERS, "d"))


def decode_all(all_batches: list[Batch]) -> None:
    for _, _, values, _, _ in all_batches:
        for start in range(0, BATCH, CHUNK):
            decode_values(values[start : start + CHUNK], PARAMETERS)


def take_in_all(all_batches: list[Batch]) -> None:
    keys = CellKeys()
    for _, appended, values, _, _ in all_batches:
        for _ in take_in(values, appended, keys, PARAMETERS):
            pass


def fold_all(all_batches: list[Batch]) -> None:
    fold = fresh_fold()
    for batch in all_batches:
        fold.fold(*batch)


def fold_and_flush(all_batches: list[Batch]) -> tuple[int, int]:
    """Fold and flush at the rate of two flushes a second; return cells and bytes written."""
    fold, cells, written = fresh_fold(), 0, 0
    for index, batch in enumerate(all_batches, 1):
        fold.fold(*batch)
        if index * BATCH % EVENTS_A_FLUSH == 0:
            changes = fold.take_changes(lambda service: partition_of(service, TARGETS))
            flushes = build_flushes(changes, [fold.progress(0, 1)], fold.append_ms or 0, TARGETS)
            cells += sum(len(segment.cells) for segments in changes.values() for segment in segments)
            written += sum(len(value) for values in flushes.values() for value in values)
    return cells, written


def spare_the_collector() -> None:
    """Set Python's cycle collector as the worker does: the fold makes no cycles, and would be searched for them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000)


def main(count: int = 100_000, services: int = 1_000) -> None:
    all_batches = batches(count, services)
    fold_all(all_batches[:2])
    spare_the_collector()
    least("decode", count, lambda: decode_all(all_batches))
    least("decode + validate", count, lambda: take_in_all(all_batches))
    alone = least("decode + validate + fold", count, lambda: fold_all(all_batches))
    flushing = least("the same with flushes", count, lambda: fold_and_flush(all_batches)) - alone
    cells, written = fold_and_flush(all_batches)
    print(f"flushes: {cells} changed cells, {flushing / cells * 1e6:.2f} us and {written / cells:.0f} bytes each")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
