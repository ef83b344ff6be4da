"""A flush: one record to each target partition, split where it is too long, progress always last."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.schemas.window_partial import Cell, Flush, Progress, SegmentCells
from ragpulse.streams.segments.flush import LIMIT_BYTES, build_flushes

PROGRESS = [Progress("topic-1", 0, 4, 100, 50, 1_000), Progress("topic-1", 1, 4, 0, 0, None)]


def cell(number: int) -> Cell:
    return Cell("default", f"service-{number:05}", "user_access", "", 10_000, False, [1, 2, 3], [5], [1], [])


def segment(start: int, numbers: range) -> SegmentCells:
    return SegmentCells("topic-1", 0, start, start + 10, [cell(number) for number in numbers])


def decoded(records: list[bytes]) -> list[Flush]:
    return [msgspec.json.decode(record, type=Flush) for record in records]


def test_every_target_hears_of_the_progress_also_without_cells() -> None:
    changes = {1: [segment(50, range(3))]}

    flushes = build_flushes(changes, PROGRESS, 77, 3)

    assert [0, 1, 2] == list(flushes)
    assert [Flush(1, [], PROGRESS, 77)] == decoded(flushes[0])
    assert [Flush(1, changes[1], PROGRESS, 77)] == decoded(flushes[1])


@given(st.lists(st.integers(0, 40), max_size=4), st.integers(1, 4_000))
def test_parts_carry_all_cells_in_order_and_progress_in_the_last_part_only(sizes: list[int], limit: int) -> None:
    segments = [segment(100 * at, range(size)) for at, size in enumerate(sizes) if size]

    (records,) = build_flushes({0: segments}, PROGRESS, 77, 1, limit).values()

    parts = decoded(records)
    assert [[]] * (len(parts) - 1) + [PROGRESS] == [part.progress for part in parts]
    sent = [(one.start, one.reached, one_cell) for part in parts for one in part.segments for one_cell in one.cells]
    assert [(one.start, one.reached, one_cell) for one in segments for one_cell in one.cells] == sent
    assert all(
        len(record) <= limit or sum(len(s.cells) for s in part.segments) <= 1
        for record, part in zip(records, parts, strict=True)
    )


def test_a_segment_full_of_cells_is_split_below_the_limit() -> None:
    (records,) = build_flushes({0: [segment(0, range(20_000))]}, PROGRESS, 77, 1).values()

    assert max(map(len, records)) <= LIMIT_BYTES
    assert 1 < len(records) <= 4
