"""`rag.window-partials`: one flush of an ingest worker to one target partition.

Internal between ingest and slo, so positional arrays in JSON: a thousand services change thousands of cells a second.
Cells are *cumulative* over their open segment: a reader keeps, per (segment, cell), the one that reaches furthest, and
replaces, never adds. A flush split in parts carries its progress in the last part only, so that progress never
overtakes the cells it speaks of.
"""

from msgspec import Struct

FLUSH_VERSION = 1


class Cell(Struct, array_like=True, gc=False):
    """Totals of one cell of one segment, from the segment's start to the offset reached."""

    tenant: str
    service: str
    operation: str
    variant: str  # "" where the event has none
    pane_start_ms: int
    late: bool  # its events were below their own partition's watermark
    totals: list[int]  # in the order of ragpulse.schemas.cell.COLUMNS, trailing zeros cut
    bucket_indices: list[int]  # latency histogram, sparse and ascending: see ragpulse.streams.histogram
    bucket_counts: list[int]
    users: list[int]  # distinct-count registers, sparse and ascending: index * 64 + rank, see ragpulse.streams.distinct


class SegmentCells(Struct, array_like=True, gc=False):
    """The changed cells of one open or just ended segment, identified by (topic id, partition, start)."""

    topic_id: str
    partition: int
    start: int
    reached: int  # offset after the last record folded
    cells: list[Cell]


class Progress(Struct, array_like=True, gc=False):
    """How far one source partition has come."""

    topic_id: str
    partition: int
    partition_count: int
    reached: int  # offset after the last record folded
    committed: int  # segment start that the broker confirmed as committed
    watermark_ms: int | None  # null: nothing was ever read there


class Flush(Struct, array_like=True, gc=False):
    """One record of `rag.window-partials`."""

    version: int
    segments: list[SegmentCells]
    progress: list[Progress]
    at_ms: int  # highest append time read by this worker: the log's clock, not the machine's
