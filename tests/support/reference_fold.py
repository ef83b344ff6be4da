"""Ingest's fold once more, one event at a time with dicts and Python integers: what the fast one must equal exactly."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ragpulse.schemas.cell import COLUMNS
from ragpulse.schemas.query_event import QUALITY_DIMENSIONS, QueryEvent
from ragpulse.schemas.segment import FoldParameters
from ragpulse.schemas.window_partial import Cell
from ragpulse.streams.distinct import register_of
from ragpulse.streams.histogram import BOUNDS_US
from ragpulse.streams.segments.decode import decode
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.validate import fault_of

Identity = tuple[str, str, str, str, int, bool]
BOUNDS = BOUNDS_US.tolist()


@dataclass(frozen=True)
class LogRecord:
    """One record of the source topic."""

    offset: int
    append_ms: int
    value: bytes | None
    tick: bool = False


@dataclass
class ReferenceCell:
    """Totals by column name, latencies and users as they came."""

    totals: dict[str, int] = field(default_factory=dict)
    buckets: dict[int, int] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)

    def add(self, column: str, amount: int) -> None:
        """Add to a column."""
        self.totals[column] = self.totals.get(column, 0) + amount

    def cell(self, identity: Identity) -> Cell:
        """Return the wire form."""
        totals = [self.totals.get(column, 0) for column in COLUMNS]
        while totals and totals[-1] == 0:
            totals.pop()
        buckets = sorted(self.buckets)
        users = [index << 6 | self.registers[index] for index in sorted(self.registers)]
        return Cell(*identity, totals, buckets, [self.buckets[bucket] for bucket in buckets], users)


@dataclass
class ReferenceSegment:
    """One segment, open or closed."""

    start: int
    end: int
    event_time_ms: int | None
    cells: dict[Identity, ReferenceCell] = field(default_factory=dict)
    outcomes: list[str] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    others: set[Identity] = field(default_factory=set)
    overflow: int = 0
    last: LogRecord | None = None

    def wire_cells(self) -> list[Cell]:
        """Return all cells, sorted."""
        return [self.cells[identity].cell(identity) for identity in sorted(self.cells)]

    def counts(self) -> dict[str, int]:
        """Return the totals of the segment record."""
        count = self.outcomes.count
        return {
            "records": len(self.outcomes),
            "accepted": count("ACCEPTED") + count("LATE") + count("TOO_LATE") + count("DUPLICATE"),
            "rejected": count("REJECTED"),
            "duplicates": count("DUPLICATE"),
            "late": count("LATE"),
            "too_late": count("TOO_LATE"),
            "ticks": count("TICK"),
            "lost": 0,
            "overflow": self.overflow,
        }


def reference_segments(
    records: Iterable[LogRecord], parameters: FoldParameters, start: int = 0
) -> list[ReferenceSegment]:
    """Return the segments of a log from its start, the open one (perhaps without records) last."""
    open_segment = ReferenceSegment(start, start, None)
    segments = [open_segment]
    previous: LogRecord | None = None
    for record in records:
        if _cuts(open_segment, record, parameters):
            open_segment = ReferenceSegment(open_segment.end, open_segment.end, open_segment.event_time_ms)
            segments.append(open_segment)
        _fold(open_segment, record, previous, parameters)
        open_segment.last, open_segment.end = record, record.offset + 1
        previous = record
    if open_segment.last is not None and open_segment.last.tick:
        segments.append(ReferenceSegment(open_segment.end, open_segment.end, open_segment.event_time_ms))
    return segments


def _cuts(segment: ReferenceSegment, record: LogRecord, parameters: FoldParameters) -> bool:
    last = segment.last
    if last is None:
        return False
    other_block = record.offset // parameters.block_size != last.offset // parameters.block_size
    other_slot = record.append_ms // parameters.slot_ms != last.append_ms // parameters.slot_ms
    return last.tick or other_block or other_slot


def _fold(segment: ReferenceSegment, record: LogRecord, previous: LogRecord | None, parameters: FoldParameters) -> None:
    if record.tick:
        segment.event_time_ms = _ticked(segment.event_time_ms, record, previous, parameters)
        segment.outcomes.append("TICK")
        return
    event = decode(record.value, parameters)
    fault = event if isinstance(event, Rejection) else fault_of(event, record.append_ms, parameters)
    if fault is not None:
        segment.rejected.append((record.offset, fault.reason.value))
        segment.outcomes.append("REJECTED")
        return
    assert isinstance(event, QueryEvent)
    segment.outcomes.append(_fold_event(segment, event, parameters))


def _ticked(known: int | None, tick: LogRecord, previous: LogRecord | None, parameters: FoldParameters) -> int:
    if known is None or previous is None:
        return tick.append_ms if known is None else known
    return max(known, min(known + tick.append_ms - previous.append_ms, tick.append_ms + parameters.future_ms))


def _fold_event(segment: ReferenceSegment, event: QueryEvent, parameters: FoldParameters) -> str:
    before = segment.event_time_ms
    watermark = None if before is None else before - parameters.disorder_ms
    outcome = _outcome(segment, event, watermark, parameters)
    segment.seen.add(event.event_id)
    cell = _cell(segment, event, outcome, before, parameters)
    if outcome == "DUPLICATE":
        cell.add("duplicate_count", 1)
        return outcome
    segment.event_time_ms = event.occurred_at_ms if before is None else max(before, event.occurred_at_ms)
    if outcome == "TOO_LATE":
        cell.add("too_late_count", 1)
    else:
        _measure(cell, event)
    return outcome


def _outcome(segment: ReferenceSegment, event: QueryEvent, watermark: int | None, parameters: FoldParameters) -> str:
    if event.event_id in segment.seen:
        return "DUPLICATE"
    if watermark is None or event.occurred_at_ms >= watermark:
        return "ACCEPTED"
    return "TOO_LATE" if event.occurred_at_ms < watermark - parameters.lateness_ms else "LATE"


def _cell(
    segment: ReferenceSegment, event: QueryEvent, outcome: str, before: int | None, parameters: FoldParameters
) -> ReferenceCell:
    counted = outcome in {"ACCEPTED", "LATE"}
    time = event.occurred_at_ms if counted else before
    assert time is not None
    place = (time // 10_000 * 10_000, outcome == "LATE")
    identity = (event.tenant or "default", event.service, event.operation, event.variant or "", *place)
    if identity not in segment.cells and len(segment.cells) - len(segment.others) >= parameters.cell_cap:
        identity = ("__other__", "__other__", event.operation, "", *place)
        segment.others.add(identity)
    segment.overflow += identity in segment.others
    return segment.cells.setdefault(identity, ReferenceCell())


def _measure(cell: ReferenceCell, event: QueryEvent) -> None:
    cell.add("count", 1)
    cell.add(f"status_{event.status}", 1)
    if event.status in {"ok", "timeout"}:
        assert event.latency_ms is not None
        latency_us = round(event.latency_ms * 1_000)
        _add_measured(cell, "latency", "sum_us", latency_us)
        if latency_us:
            bucket = bisect_left(BOUNDS, latency_us)
            cell.buckets[bucket] = cell.buckets.get(bucket, 0) + 1
        else:
            cell.add("latency_zero_count", 1)
    _measure_plain(cell, event)
    if event.user_id is not None:
        index, rank = divmod(register_of(event.user_id), 64)
        cell.registers[index] = max(rank, cell.registers.get(index, 0))


def _measure_plain(cell: ReferenceCell, event: QueryEvent) -> None:
    _add_scaled(cell, "quality", "sum_millionths", event.quality_score, 1_000_000)
    _add_scaled(cell, "rating", "sum_millionths", event.user_rating, 1_000_000)
    _add_scaled(cell, "input_tokens", "sum", event.input_tokens, 1)
    _add_scaled(cell, "output_tokens", "sum", event.output_tokens, 1)
    _add_scaled(cell, "retrieval", "sum_us", event.retrieval_ms, 1_000)
    _add_scaled(cell, "generation", "sum_us", event.generation_ms, 1_000)
    if event.cost_usd is not None:
        high, low = divmod(round(event.cost_usd * 1_000_000_000), 1 << 32)
        _add_measured(cell, "cost", "sum_high", high)
        cell.add("cost_sum_low", low)
    if event.documents is not None:
        _add_measured(cell, "documents", "sum", len(event.documents))
        cell.add("empty_retrieval_count", int(not event.documents))
    for dimension in QUALITY_DIMENSIONS:
        value: Any = getattr(event.quality, dimension, None)
        if dimension == "faithfulness" and value is None:
            value = getattr(event.quality, "accuracy", None)
        _add_scaled(cell, dimension, "sum_millionths", value, 1_000_000)


def _add_scaled(cell: ReferenceCell, beginning: str, sum_name: str, value: float | None, factor: int) -> None:
    if value is not None:
        _add_measured(cell, beginning, sum_name, round(value * factor))


def _add_measured(cell: ReferenceCell, beginning: str, sum_name: str, amount: int) -> None:
    cell.add(f"{beginning}_count", 1)
    cell.add(f"{beginning}_{sum_name}", amount)
