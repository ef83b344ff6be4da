"""Segments of one partition: where they end, who is late, what a tick does, what waits for a commit.

Timelines read from left to right; a column is one record, times are in seconds after START_MS.
"""

from typing import Any
from weakref import ref

import msgspec
import pytest

from ragpulse.schemas.cell import COLUMN
from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.segment import FoldParameters, Pins
from ragpulse.schemas.window_partial import Cell, Progress
from ragpulse.streams.segments.outcome import Outcome
from ragpulse.streams.segments.partition_fold import ClosedSegment, PartitionFold
from ragpulse.streams.segments.pins import Wanted
from reference_fold import LogRecord
from source_logs import START_MS, fold, new_fold, query_event, small_parameters


def event(offset: int, append_s: float = 0, occurred_s: float | None = None, **fields: Any) -> LogRecord:
    occurred_ms = START_MS + round(1_000 * (append_s if occurred_s is None else occurred_s))
    value = query_event(**{"event_id": f"e-{offset}", "occurred_at_ms": occurred_ms, **fields})
    return LogRecord(offset, START_MS + round(1_000 * append_s), value)


def tick(offset: int, append_s: float = 0) -> LogRecord:
    return LogRecord(offset, START_MS + round(1_000 * append_s), b"", tick=True)


def spans(closed: list[ClosedSegment]) -> list[tuple[int, int]]:
    return [(segment.record.start, segment.record.end) for segment in closed]


def cells_of(partition: PartitionFold) -> list[Cell]:
    return [cell for segment in partition.take_changes(lambda _: 0).get(0, []) for cell in segment.cells]


def total(cell: Cell, column: str) -> int:
    return cell.totals[COLUMN[column]] if len(cell.totals) > COLUMN[column] else 0


def outcomes_until_tick(records: list[LogRecord], parameters: FoldParameters) -> list[str]:
    """Return the outcomes of records of one segment."""
    partition = new_fold(parameters)
    last = records[-1]
    end = LogRecord(last.offset + 1, last.append_ms, b"", tick=True)
    step = fold(partition, [*records, end])
    assert len(step.closed) == 1
    return [Outcome(outcome).name for outcome in step.closed[0].outcomes[:-1]]


# --- cuts -----------------------------------------------------------------------------------------------------------


def test_a_segment_ends_where_the_block_of_offsets_does() -> None:
    # offset   8 9 | 10 11 ... 19 | 20        block_size 10
    partition = new_fold(small_parameters(block_size=10))

    step = fold(partition, [event(offset) for offset in range(8, 21)])

    assert [(0, 10), (10, 20)] == spans(step.closed)
    assert 21 == partition.position


def test_a_segment_ends_where_the_append_time_enters_another_slot() -> None:
    # append   3.0 4.999 | 5.0 9.999 | 10.0 | 4.0        slot 5 s; the clock of a new leader may be behind
    partition = new_fold(small_parameters())

    step = fold(partition, [event(at, time) for at, time in enumerate([3, 4.999, 5, 9.999, 10, 4])])

    assert [(0, 2), (2, 4), (4, 5)] == spans(step.closed)


def test_a_tick_ends_its_segment_at_once() -> None:
    partition = new_fold(small_parameters())

    step = fold(partition, [event(0), tick(1), tick(2), event(3)])

    assert [(0, 2), (2, 3)] == spans(step.closed)
    assert [1, 0] == [segment.record.counts["accepted"] for segment in step.closed]
    assert [1, 1] == [segment.record.counts["ticks"] for segment in step.closed]


def test_a_segment_starts_behind_the_last_record_whatever_gap_follows() -> None:
    # offset   3 4 . . . . . . 27        transaction markers and compaction leave gaps; block_size 10
    partition = new_fold(small_parameters(block_size=10))

    step = fold(partition, [event(3), event(4), event(27)])

    assert [(0, 5)] == spans(step.closed)
    assert [5] == [segments.start for segments in partition.take_changes(lambda _: 0)[0][1:]]


def test_a_segment_is_named_by_topic_id_partition_and_start_and_chained_to_the_one_before() -> None:
    partition = new_fold(small_parameters())

    first, second = fold(partition, [event(0), tick(1), event(2), tick(3, 1)]).closed

    assert [derived_id("topic-1", 0, 0), derived_id("topic-1", 0, 2)] == [first.record.id, second.record.id]
    assert [1, 2] == [first.record.pins.index, second.record.pins.index]
    assert [first.record.id, second.record.id] == [first.record.pins.previous, second.record.pins.previous]
    assert [START_MS, START_MS + 1_000] == [first.record.at_ms, second.record.at_ms]
    assert msgspec.json.decode(first.record_bytes())["pins"]["append_ms"] == START_MS


def test_offsets_and_outcomes_of_a_segment_are_kept_for_its_audit() -> None:
    partition = new_fold(small_parameters())

    closed = fold(partition, [event(2), event(4, event_id="e-2"), LogRecord(5, START_MS, b"?"), tick(7)]).closed[0]

    assert [2, 4, 5, 7] == closed.offsets.tolist()
    assert [Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.REJECTED, Outcome.TICK] == list(closed.outcomes)


# --- event time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("occurred_s", "outcome"),
    [(90, "ACCEPTED"), (89.999, "LATE"), (70, "LATE"), (69.999, "TOO_LATE")],
)
def test_an_event_is_late_below_the_watermark_and_too_late_below_that_less_the_lateness(
    occurred_s: float, outcome: str
) -> None:
    #  70                 90        100
    #   |-- lateness 20 s --|- 10 s -|
    #  too late <  late    <  on time   E
    records = [event(0, 100), event(1, 100, occurred_s)]

    actual = outcomes_until_tick(records, small_parameters(slot_ms=1_000_000))

    assert ["ACCEPTED", outcome] == actual


def test_nobody_is_late_before_the_first_event() -> None:
    assert ["ACCEPTED"] == outcomes_until_tick([event(0, 80, 0)], small_parameters())


def test_an_event_ahead_of_its_append_time_makes_those_behind_it_late() -> None:
    # occurred   0  300 (accepted: just within the future bound)   289.999 (late)   290
    records = [event(0), event(1, 0, 300), event(2, 0, 289.999), event(3, 0, 290)]

    actual = outcomes_until_tick(records, small_parameters(lateness_ms=1_000_000))

    assert ["ACCEPTED", "ACCEPTED", "LATE", "ACCEPTED"] == actual


def test_late_events_have_a_cell_of_their_own_and_too_late_ones_none() -> None:
    # occurred   100   85 (late)   0 (too late: counted in the pane of 100)
    partition = new_fold(small_parameters(slot_ms=1_000_000, max_age_ms=1_000_000))

    fold(partition, [event(0, 100), event(1, 100, 85), event(2, 100, 0)])

    on_time_pane, late_pane = START_MS + 100_000, START_MS + 80_000
    late, on_time = cells_of(partition)
    assert [(late_pane, True), (on_time_pane, False)] == [(c.pane_start_ms, c.late) for c in (late, on_time)]
    assert [1, 0] == [total(late, "count"), total(late, "too_late_count")]
    assert [1, 1] == [total(on_time, "count"), total(on_time, "too_late_count")]


def test_a_repeat_moves_no_time_and_adds_to_no_measurement() -> None:
    # id         a    a (repeat, 200 s ahead)   b (late only if the repeat had moved event time)
    partition = new_fold(small_parameters())

    fold(partition, [event(0, event_id="a"), event(1, 0, 200, event_id="a"), event(2, event_id="b")])

    (cell,) = cells_of(partition)
    assert [2, 1] == [total(cell, "count"), total(cell, "duplicate_count")]
    assert START_MS - 10_000 == partition.watermark_ms


def test_an_id_may_come_again_in_another_segment() -> None:
    partition = new_fold(small_parameters())

    closed = fold(partition, [event(0, event_id="a"), tick(1), event(2, event_id="a"), tick(3)]).closed

    assert [0, 0] == [segment.record.counts["duplicates"] for segment in closed]


def test_rejected_records_take_no_part_in_repeats() -> None:
    partition = new_fold(small_parameters())

    fold(partition, [event(0, event_id="a", tenant="__x"), event(1, event_id="a")])

    assert [(1, 0)] == [(total(cell, "count"), total(cell, "duplicate_count")) for cell in cells_of(partition)]


# --- ticks ----------------------------------------------------------------------------------------------------------


def test_ticks_move_event_time_by_the_append_time_elapsed() -> None:
    # append     0 (occurred -60)   5 tick   15 tick
    # event time   -60               -55      -45
    partition = new_fold(small_parameters())

    closed = fold(partition, [event(0, 0, -60), tick(1, 5), tick(2, 15)]).closed

    expected = [START_MS - 60_000, START_MS - 55_000, START_MS - 45_000]
    assert expected == [segment.record.pins.event_time_ms for segment in closed]


def test_a_tick_before_any_event_sets_event_time_to_its_append_time() -> None:
    partition = new_fold(small_parameters())
    assert partition.watermark_ms is None

    fold(partition, [tick(0, 5)])

    assert START_MS - 5_000 == partition.watermark_ms


def test_ticks_move_event_time_neither_back_nor_beyond_the_future_bound() -> None:
    # append       0 (occurred +300)   100 tick   90 tick, a new leader's clock   100 tick
    # event time      300                  400        400                             400, not 410
    partition = new_fold(small_parameters())

    closed = fold(partition, [event(0, 0, 300), tick(1, 100), tick(2, 90), tick(3, 100)]).closed

    expected = [START_MS + 300_000, START_MS + 400_000, START_MS + 400_000, START_MS + 400_000]
    assert expected == [segment.record.pins.event_time_ms for segment in closed]


def test_an_empty_value_without_the_header_is_rejected_and_the_header_on_a_value_means_nothing() -> None:
    partition = new_fold(small_parameters())
    header = [("ragpulse-tick", b"1")]

    step = partition.fold([0, 1], [START_MS] * 2, [b"", query_event()], [None] * 2, [[("other", b"")], header])

    assert ["empty_value"] == [rejection.reason.value for rejection in step.rejections]
    assert 1 == total(cells_of(partition)[0], "count")


# --- rejections -----------------------------------------------------------------------------------------------------


def test_a_rejection_names_its_origin_and_keeps_the_bytes() -> None:
    partition = new_fold(small_parameters())

    (rejection,) = fold(partition, [event(0), LogRecord(5, START_MS + 7, b"{}")]).rejections

    assert derived_id("rag.query-events", 0, 5) == rejection.id
    assert START_MS + 7 == rejection.at_ms
    assert ("event_id", "event_id is required") == (rejection.field, rejection.message)
    assert ("rag.query-events", 0, 5, 2) == (
        rejection.topic, rejection.partition, rejection.offset, rejection.size_bytes,
    )  # fmt: skip
    assert ("e30=", "a2V5") == (rejection.payload_base64, rejection.key_base64)


# --- the cap on cells -----------------------------------------------------------------------------------------------


def test_cells_beyond_the_cap_are_counted_as_other_in_the_order_of_offsets() -> None:
    # service   a  b | c  d  a  c        cap 2: the first two have cells
    partition = new_fold(small_parameters(cell_cap=2))

    fold(partition, [event(at, service=service) for at, service in enumerate("abcdac")])

    counts = {cell.service: total(cell, "count") for cell in cells_of(partition)}
    assert {"__other__": 3, "a": 2, "b": 1} == counts


def test_other_cells_keep_operation_pane_and_lateness_and_lie_beyond_the_cap() -> None:
    partition = new_fold(small_parameters(cell_cap=1, slot_ms=1_000_000))
    other = [
        event(1, 100, service="b"),
        event(2, 100, service="c", operation="user_access"),
        event(3, 100, 95, service="d"),
        event(4, 100, 85, service="e", tenant="acme", variant="x"),
    ]

    closed = fold(partition, [event(0, 100), *other, tick(5, 100)]).closed[0]

    actual = [
        (c.tenant, c.service, c.operation, c.variant, (c.pane_start_ms - START_MS) // 1_000, c.late)
        for c in cells_of(partition)
    ]
    expected = [
        ("__other__", "__other__", "query_processing", "", 80, True),
        ("__other__", "__other__", "query_processing", "", 90, False),
        ("__other__", "__other__", "query_processing", "", 100, False),
        ("__other__", "__other__", "user_access", "", 100, False),
        ("default", "support", "query_processing", "", 100, False),
    ]
    assert expected == actual
    assert 4 == closed.record.counts["overflow"]


def test_keys_beyond_the_cap_are_not_remembered() -> None:
    # A producer that invents labels must not cost memory.
    partition = new_fold(small_parameters(cell_cap=100, block_size=1_000_000))

    for start in range(0, 20_000, 2_000):
        fold(partition, [event(at, service=f"s-{at}") for at in range(start, start + 2_000)])

    cells = cells_of(partition)
    assert 101 == len(cells)
    assert 20_000 == sum(total(cell, "count") for cell in cells)
    assert len(partition._segment.cells.keys.identities) < 3_000


# --- pins -----------------------------------------------------------------------------------------------------------


def test_other_parameters_apply_only_after_the_commit_that_pins_them_is_confirmed() -> None:
    # records   0 1 | 2 3 4 5        old block 2; wanted block 3 applies from offset 2 on: 2 | 3 4 5
    old, wanted = small_parameters(block_size=2), small_parameters(block_size=3)
    partition = new_fold(old, wanted)
    records = [event(offset) for offset in range(6)]

    first = fold(partition, records)
    assert (2, [(0, 2)]) == (first.consumed, spans(first.closed))
    assert wanted == first.closed[0].record.pins.parameters

    waiting = fold(partition, records[2:])
    assert (0, []) == (waiting.consumed, waiting.closed)
    assert partition.awaits_confirmation()

    partition.parameters_confirmed()
    rest = fold(partition, records[2:])
    assert (4, [(2, 3)]) == (rest.consumed, spans(rest.closed))


def test_another_policy_waits_for_its_commit_as_well() -> None:
    parameters = small_parameters()
    pins = Pins(topic_id="topic-1", parameters=parameters, policy_digest="old")
    partition = PartitionFold("rag.query-events", 0, 0, pins, Wanted(parameters, "new"))

    step = fold(partition, [event(0), tick(1), event(2)])

    assert 2 == step.consumed
    assert "new" == step.closed[0].record.pins.policy_digest


def test_offsets_that_left_the_log_unread_are_named_in_the_segment_record() -> None:
    partition = new_fold(small_parameters())
    partition.lost(0, 100)

    closed = fold(partition, [event(100), tick(101), event(102), tick(103)]).closed

    assert [100, 0] == [segment.record.counts["lost"] for segment in closed]
    assert (0, 102) == (closed[0].record.start, closed[0].record.end)


# --- what is handed out ---------------------------------------------------------------------------------------------


def test_changes_are_cumulative_and_only_of_what_changed() -> None:
    partition = new_fold(small_parameters())
    fold(partition, [event(0, service="a"), event(1, service="b")])
    assert 2 == len(cells_of(partition))

    fold(partition, [event(2, service="a")])

    (changed,) = partition.take_changes(lambda _: 0)[0]
    assert (0, 3) == (changed.start, changed.reached)
    assert [("a", 2)] == [(cell.service, total(cell, "count")) for cell in changed.cells]
    assert {} == partition.take_changes(lambda _: 0)


def test_a_closed_segment_is_let_go_once_its_changes_are_taken() -> None:
    partition = new_fold(small_parameters())
    fold(partition, [event(0)])
    segment = ref(partition._segment)

    fold(partition, [tick(1)])
    assert segment() is not None
    partition.take_changes(lambda _: 0)

    assert segment() is None


def test_changes_go_to_the_partition_of_their_service_closed_segments_first() -> None:
    partition = new_fold(small_parameters())
    fold(partition, [event(0, service="a"), event(1, service="b"), tick(2), event(3, service="a")])

    changes = partition.take_changes(lambda service: int(service == "b"))

    assert {0: [(0, 3), (3, 4)], 1: [(0, 3)]} == {
        target: [(part.start, part.reached) for part in parts] for target, parts in changes.items()
    }


def test_progress_says_how_far_the_partition_has_come() -> None:
    partition = new_fold(small_parameters())
    assert Progress("topic-1", 0, 4, 0, 0, None) == partition.progress(0, 4)

    fold(partition, [event(7)])

    assert Progress("topic-1", 0, 4, 8, 0, START_MS - 10_000) == partition.progress(0, 4)
