"""What merging costs: core-seconds of one slo worker per simulated second, and bytes of state per (service, pane).

Virtual time, in memory, one worker with all four target partitions: decode each flush, merge it, encode what it writes.
First an hour and more with few flushes fills the state, then `--seconds` with one flush a second are timed. Making the
flushes is not counted.

    python benchmarks/merge.py --services 1000 --seconds 60
"""

import argparse
import gc
import random
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import msgspec

from ragpulse.schemas.cell import COLUMN, COLUMNS
from ragpulse.schemas.policy import Policy
from ragpulse.schemas.window_partial import FLUSH_VERSION, Cell, Flush, Progress, SegmentCells
from ragpulse.streams.windows.merger import Merger

SOURCE_PARTITIONS = 4
TARGET_PARTITIONS = 4
START_MS = 1_800_000_000_000
SEGMENT_MS = 5_000
PANE_MS = 10_000
TEMPLATES = 200

POLICY = Policy.model_validate(
    {
        "version": 1,
        "sla": {
            "services": [
                {"sla_requirements": {"max_response_time": 2, "min_availability": 99, "min_quality_score": 0.7}}
            ]
        },
    }
)


@dataclass(frozen=True)
class Template:
    """Totals of a cell with some events; growing cells are a sequence of them."""

    totals: list[int]
    buckets: dict[int, int]
    users: list[int]


def template(events: int, draw: random.Random) -> Template:
    ok = events - sum(draw.random() < 0.005 for _ in range(events))
    buckets = Counter(int(draw.gauss(1190, 45)) for _ in range(ok))
    totals = [0] * len(COLUMNS)
    values = {
        "count": events,
        "status_ok": ok,
        "status_error": events - ok,
        "latency_count": ok,
        "latency_sum_us": ok * 400_123,
        "quality_count": ok,
        "quality_sum_millionths": ok * 812_345,
        "cost_count": events,
        "cost_sum_low": events * 1_234_567,
        "input_tokens_count": events,
        "input_tokens_sum": events * 512,
        "output_tokens_count": events,
        "output_tokens_sum": events * 128,
        "retrieval_count": events,
        "retrieval_sum_us": events * 40_321,
        "generation_count": events,
        "generation_sum_us": events * 320_123,
        "documents_count": events,
        "documents_sum": events * 4,
    }
    for name, value in values.items():
        totals[COLUMN[name]] = value
    while not totals[-1]:
        totals.pop()
    users = sorted({draw.randrange(512): draw.randrange(1, 6) for _ in range(events)}.items())
    return Template(totals, dict(sorted(buckets.items())), [index * 64 + rank for index, rank in users])


class Load:
    """The flushes of one ingest worker that owns all source partitions."""

    def __init__(self, services: int, events_a_second: float) -> None:
        draw = random.Random(7)
        most = max(1, round(events_a_second / SOURCE_PARTITIONS * SEGMENT_MS / 1000))
        self.templates = [[template(events, draw) for _ in range(TEMPLATES)] for events in range(1, most + 1)]
        self.names = [
            [f"service-{number}" for number in range(target, services, TARGET_PARTITIONS)]
            for target in range(TARGET_PARTITIONS)
        ]

    def flush(self, target: int, now_ms: int) -> bytes:
        """Return the flush at a time: the open segment's cells as far as they have grown, and the progress."""
        segment_ms = now_ms - now_ms % SEGMENT_MS
        grown = self.templates[min(len(self.templates) - 1, len(self.templates) * (now_ms - segment_ms) // SEGMENT_MS)]
        segments, progress = [], []
        for partition in range(SOURCE_PARTITIONS):
            start, reached = segment_ms - START_MS, now_ms - START_MS + 1
            cells = [
                self._cell(name, grown[hash((number, partition, segment_ms)) % TEMPLATES], segment_ms)
                for number, name in enumerate(self.names[target])
            ]
            segments.append(SegmentCells("topic", partition, start, reached, cells))
            progress.append(Progress("topic", partition, SOURCE_PARTITIONS, reached, start, now_ms - 10_000))
        return msgspec.json.encode(Flush(FLUSH_VERSION, segments, progress, now_ms))

    def _cell(self, name: str, grown: Template, segment_ms: int) -> Cell:
        pane_ms = segment_ms - segment_ms % PANE_MS
        return Cell(
            "acme",
            name,
            "query_processing",
            "",
            pane_ms,
            False,
            grown.totals,
            list(grown.buckets),
            list(grown.buckets.values()),
            grown.users,
        )


class Worker:
    """The mergers of all target partitions, fed in virtual time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.mergers = [Merger(POLICY) for _ in range(TARGET_PARTITIONS)]
        self.offset = 0
        self.seconds = 0.0
        self.written: Counter[str] = Counter()
        self.bytes_written = 0

    def run(self, times_ms: range) -> None:
        decode = msgspec.json.Decoder(Flush).decode
        for now_ms in times_ms:
            flushes = [self.load.flush(target, now_ms) for target in range(TARGET_PARTITIONS)]
            self.offset += 1
            began = process_time()
            for merger, flush in zip(self.mergers, flushes, strict=True):
                for output in merger.step(self.offset, now_ms, decode(flush)).outputs:
                    self.bytes_written += len(output.event.to_bytes())
                    self.written[output.topic] += 1
            self.seconds += process_time() - began


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure(services: int, seconds: int, rate: float, fill_ms: int) -> Iterator[str]:
    load = Load(services, rate)
    load.flush(0, START_MS)
    worker = Worker(load)
    gc.collect()
    before = resident_bytes()
    filled_ms = START_MS + fill_ms
    worker.run(range(START_MS + PANE_MS - 1, filled_ms, PANE_MS // 2))
    yield f"fill: {worker.seconds:.1f} core-s for {fill_ms / 1000:.0f} s in flushes of {PANE_MS // 2000} s"
    gc.collect()
    state = resident_bytes() - before
    panes = fill_ms // PANE_MS
    yield (
        f"state: {state / 2**20:.0f} MiB resident for {services} services and {panes} panes of 10 s: "
        f"{state / services / panes:.0f} bytes per (service, pane)"
    )
    began = process_time()
    chunks = [chunk for merger in worker.mergers for chunk in merger.snapshot()]
    yield f"snapshot: {sum(map(len, chunks)) / 2**20:.1f} MiB in {len(chunks)} chunks, {process_time() - began:.2f} core-s"
    worker.seconds, worker.written, worker.bytes_written = 0.0, Counter(), 0
    worker.run(range(filled_ms, filled_ms + seconds * 1000, 1000))
    cells = services * SOURCE_PARTITIONS
    yield f"merge: {worker.seconds / seconds:.3f} core-s per second at {cells} changed cells a second"
    yield f"written: {worker.bytes_written / seconds / 1000:.0f} kB/s, {dict(worker.written)}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--services", type=int, default=1000)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--rate", type=float, default=10.0, help="events a second of each service")
    options.add_argument("--fill-minutes", type=int, default=62)
    given = options.parse_args()
    for line in measure(given.services, given.seconds, given.rate, given.fill_minutes * 60_000):
        print(line, flush=True)


if __name__ == "__main__":
    main()
