"""Segments: what is pinned in a commit, and the closing record on `rag.audit`.

The commit that ends a segment carries in its offset metadata what the *next* segment is built with. A worker that
begins there uses these pins and not its own settings, so a replay cuts and folds exactly as the first run did.
"""

from msgspec import Struct

from ragpulse.schemas.cell import FOLD_VERSION

PINS_LIMIT_BYTES = 4096  # Kafka's offset.metadata.max.bytes
SEGMENT_VERSION = 1


class FoldParameters(Struct, frozen=True, kw_only=True):
    """Everything besides the records that influences a segment's content. Pinned, so part of the wire contract."""

    fold_version: int = FOLD_VERSION
    block_size: int = 50_000  # a new segment begins at every multiple of it
    slot_ms: int = 5_000  # and where the append time enters another slot
    cell_cap: int = 20_000  # cells a segment may hold; further ones are counted in `__other__`
    disorder_ms: int = 10_000
    lateness_ms: int = 3_600_000
    future_ms: int = 300_000
    max_age_ms: int = 604_800_000
    max_event_bytes: int = 262_144
    max_depth: int = 32


class Pins(Struct, frozen=True, kw_only=True):
    """What the segment that starts at the committed offset is built with."""

    version: int = SEGMENT_VERSION
    topic_id: str
    parameters: FoldParameters
    policy_digest: str
    event_time_ms: int | None = None  # highest event time, clamped; the watermark is this less the disorder
    append_ms: int | None = None  # append time of the last record before the segment
    index: int = 0  # number of the segment in its partition's chain
    previous: str | None = None  # id of the segment record just ended: the chain


class SegmentRecord(Struct, frozen=True, kw_only=True):
    """One record of `rag.audit`: a segment was closed. Its leaves and Merkle root come with the audit trail."""

    schema_version: int = SEGMENT_VERSION
    id: str  # derived from topic id, partition, start
    at_ms: int  # append time of the segment's last record
    topic: str
    partition: int
    start: int  # offset of the first record, or the position after the segment before it
    end: int  # offset after the last record
    # records, accepted, rejected, duplicates, late, too_late, ticks, lost (offsets gone from the log), overflow
    counts: dict[str, int]
    pins: Pins  # of the next segment
