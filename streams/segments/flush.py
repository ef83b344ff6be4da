"""The records that a flush writes: changed cells to the partition of their service, progress to every partition."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ragpulse.schemas.window_partial import FLUSH_VERSION, Cell, Flush, Progress, SegmentCells
from ragpulse.streams.segments.partitioner import partition_of

__all__ = ["LIMIT_BYTES", "build_flushes", "partition_of"]

#: Below the broker's largest record of 1,048,588 bytes, with room for the progress of a thousand partitions.
LIMIT_BYTES: Final = 900_000

_encode: Final = msgspec.json.Encoder().encode


def build_flushes(
    changes: Mapping[int, Sequence[SegmentCells]],
    progress: Sequence[Progress],
    at_ms: int,
    partitions: int,
    limit_bytes: int = LIMIT_BYTES,
) -> dict[int, list[bytes]]:
    """Return the values to write to each target partition, in this order.

    Every target gets the progress, in its last record only, so that progress never overtakes the cells it speaks of.
    A record is longer than ``limit_bytes`` by its progress at most, or where one cell alone is.
    """
    return {
        target: _records(list(changes.get(target, ())), list(progress), int(at_ms), limit_bytes)
        for target in range(partitions)
    }


def _records(segments: list[SegmentCells], progress: list[Progress], at_ms: int, limit_bytes: int) -> list[bytes]:
    record = _encode(Flush(FLUSH_VERSION, segments, progress, at_ms))
    if len(record) <= limit_bytes or sum(len(segment.cells) for segment in segments) <= 1:
        return [record]
    first, second = _halves(segments)
    return _records(first, [], at_ms, limit_bytes) + _records(second, progress, at_ms, limit_bytes)


def _halves(segments: list[SegmentCells]) -> tuple[list[SegmentCells], list[SegmentCells]]:
    """Split by cells: whole segments where there are several, else the one segment's cells."""
    if len(segments) > 1:
        middle = len(segments) // 2
        return segments[:middle], segments[middle:]
    segment = segments[0]
    middle = len(segment.cells) // 2
    return [_part(segment, segment.cells[:middle])], [_part(segment, segment.cells[middle:])]


def _part(segment: SegmentCells, cells: list[Cell]) -> SegmentCells:
    return SegmentCells(segment.topic_id, segment.partition, segment.start, segment.reached, cells)
