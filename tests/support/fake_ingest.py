"""A source topic in memory and ingest workers over it, written from the architecture's page and not from ingest's code.

Everything that ingest decides (late or not, segment starts, watermarks) is a function of the log, computed once for each
partition; a worker only reads on, flushes, commits and dies.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from ragpulse.schemas.cell import COLUMN, COLUMNS
from ragpulse.schemas.window_partial import FLUSH_VERSION, Cell, Flush, Progress, SegmentCells
from ragpulse.streams.distinct import register_of
from ragpulse.streams.histogram import BOUNDS_US

PANE_MS = 10_000
DISORDER_MS = 10_000
LATENESS_MS = 3_600_000
FUTURE_MS = 300_000
SLOT_MS = 5_000
TOPIC = "topic-1"


@dataclass(frozen=True)
class Event:
    """One query event, reduced to what windows show."""

    at_ms: int
    service: str = "search"
    status: str = "ok"
    latency_us: int | None = 100_000
    operation: str = "query_processing"
    variant: str = ""
    tenant: str = "acme"
    quality: int | None = None  # millionths
    cost_nano_usd: int | None = None
    user: str | None = None

    @property
    def pane_ms(self) -> int:
        return self.at_ms - self.at_ms % PANE_MS


@dataclass(frozen=True)
class Record:
    """One record of the source topic; a tick has no event."""

    append_ms: int
    event: Event | None = None


@dataclass(frozen=True)
class Placed:
    """What ingest makes of the record at an offset."""

    record: Record
    segment: int
    watermark_ms: int | None  # after it
    late: bool = False
    too_late: bool = False
    pane_ms: int = 0


def place(records: list[Record], block: int = 50_000) -> list[Placed]:
    """Decide every record of a partition, in offset order."""
    placed: list[Placed] = []
    reached: int | None = None  # E of the architecture's page
    segment, before = 0, None
    for offset, record in enumerate(records):
        if before is not None and (
            offset // block != (offset - 1) // block
            or record.append_ms // SLOT_MS != before.append_ms // SLOT_MS
            or before.event is None
        ):
            segment = offset
        event = record.event
        if event is None:
            passed = record.append_ms - before.append_ms if before is not None else 0
            reached = (
                record.append_ms
                if reached is None
                else max(reached, min(reached + passed, record.append_ms + FUTURE_MS))
            )
            placed.append(Placed(record, segment, reached - DISORDER_MS))
        else:
            late = reached is not None and event.at_ms < reached - DISORDER_MS
            too_late = reached is not None and event.at_ms < reached - DISORDER_MS - LATENESS_MS
            pane_ms = event.pane_ms if not too_late or reached is None else reached - reached % PANE_MS
            if not too_late:
                reached = max(min(event.at_ms, record.append_ms + FUTURE_MS), reached or event.at_ms)
            watermark_ms = None if reached is None else reached - DISORDER_MS
            placed.append(Placed(record, segment, watermark_ms, late and not too_late, too_late, pane_ms))
        before = record
    return placed


def bucket_of(latency_us: int) -> int:
    return int(next(index for index, bound in enumerate(BOUNDS_US.tolist()) if bound >= latency_us))


@dataclass
class Totals:
    """The cell of one key, as it grows."""

    columns: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)
    users: dict[int, int] = field(default_factory=dict)

    def add(self, placed: Placed) -> None:
        event = placed.record.event
        assert event is not None
        if placed.too_late:
            self.columns["too_late_count"] += 1
            return
        self.columns["count"] += 1
        self.columns[f"status_{event.status}"] += 1
        if event.latency_us is not None and event.status in ("ok", "timeout"):
            self.columns["latency_count"] += 1
            self.columns["latency_sum_us"] += event.latency_us
            if event.latency_us:
                self.buckets[bucket_of(event.latency_us)] += 1
            else:
                self.columns["latency_zero_count"] += 1
        self._measure("quality", event.quality)
        if event.cost_nano_usd is not None:
            self.columns["cost_count"] += 1
            self.columns["cost_sum_high"] += event.cost_nano_usd >> 32
            self.columns["cost_sum_low"] += event.cost_nano_usd & (2**32 - 1)
        if event.user is not None:
            register = register_of(event.user)
            self.users[register >> 6] = max(register & 63, self.users.get(register >> 6, 0))

    def _measure(self, name: str, millionths: int | None) -> None:
        if millionths is not None:
            self.columns[f"{name}_count"] += 1
            self.columns[f"{name}_sum_millionths"] += millionths

    def cell(self, key: tuple[str, str, str, str], pane_ms: int, *, late: bool) -> Cell:
        totals = [0] * len(COLUMNS)
        for name, total in self.columns.items():
            totals[COLUMN[name]] = total
        while totals and not totals[-1]:
            totals.pop()
        indices = sorted(self.buckets)
        users = [index * 64 + rank for index, rank in sorted(self.users.items())]
        return Cell(*key, pane_ms, late, totals, indices, [self.buckets[index] for index in indices], users)


CellKey = tuple[tuple[str, str, str, str], int, bool]


def key_of(placed: Placed) -> CellKey:
    event = placed.record.event
    assert event is not None
    return (event.tenant, event.service, event.operation, event.variant), placed.pane_ms, placed.late


@dataclass
class Reader:
    """An owner of one partition."""

    partition: int
    placed: list[Placed]
    committed: int = 0
    topic_id: str = TOPIC
    position: int = field(init=False)
    cells: dict[int, dict[CellKey, Totals]] = field(default_factory=dict)  # by segment
    reached: dict[int, int] = field(default_factory=dict)
    changed: dict[int, dict[CellKey, None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.position = self.committed

    def read(self, count: int) -> None:
        for placed in self.placed[self.position : self.position + count]:
            self.position += 1
            self.reached[placed.segment] = self.position
            if placed.record.event is not None:
                key = key_of(placed)
                self.cells.setdefault(placed.segment, {}).setdefault(key, Totals()).add(placed)
                self.changed.setdefault(placed.segment, {})[key] = None

    @property
    def open_segment(self) -> int:
        """Start of the segment that is open: a tick has ended its own."""
        if not self.position:
            return 0
        last = self.placed[self.position - 1]
        return self.position if last.record.event is None else last.segment

    def take_changed(self, *, everything: bool = False) -> list[SegmentCells]:
        changed = (
            {segment: dict.fromkeys(cells) for segment, cells in self.cells.items()} if everything else self.changed
        )
        self.changed = {}
        return [
            SegmentCells(
                self.topic_id,
                self.partition,
                segment,
                self.reached[segment],
                [self.cells[segment][key].cell(key[0], key[1], late=key[2]) for key in keys],
            )
            for segment, keys in changed.items()
        ]

    def commit(self) -> None:
        """The broker confirms all ended segments. Their content must have been flushed."""
        self.committed = max(self.committed, self.open_segment)
        for segment in [segment for segment in self.cells if segment < self.committed]:
            del self.cells[segment]
            self.changed.pop(segment, None)

    def progress(self, partitions: int) -> Progress:
        watermark_ms = self.placed[self.position - 1].watermark_ms if self.position else None
        return Progress(self.topic_id, self.partition, partitions, self.position, self.committed, watermark_ms)


@dataclass
class Worker:
    """An ingest worker that owns some partitions."""

    readers: dict[int, Reader]
    partitions: int

    def flush(self, at_ms: int = 0, *, everything: bool = False) -> Flush:
        segments = [one for reader in self.readers.values() for one in reader.take_changed(everything=everything)]
        progress = [reader.progress(self.partitions) for reader in self.readers.values()]
        return Flush(FLUSH_VERSION, segments, progress, at_ms)

    def commit(self) -> None:
        for reader in self.readers.values():
            reader.commit()

    def reborn(self) -> "Worker":
        """The worker that takes over after a crash: it begins at the committed segment starts."""
        readers = {
            number: Reader(number, reader.placed, reader.committed, reader.topic_id)
            for number, reader in self.readers.items()
        }
        return replace(self, readers=readers)


def start(logs: list[list[Record]], partitions: list[int] | None = None, topic_id: str = TOPIC) -> Worker:
    """A worker that owns some partitions (all, if not said) from their beginning."""
    owned = range(len(logs)) if partitions is None else partitions
    return Worker({number: Reader(number, place(logs[number]), topic_id=topic_id) for number in owned}, len(logs))
