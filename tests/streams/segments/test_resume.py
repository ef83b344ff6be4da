"""Where a partition goes on, for whatever is left of its commit, its audit chain and its log."""

from ragpulse.schemas.segment import FoldParameters, Pins, SegmentRecord
from ragpulse.streams.segments.resume import Resume, Witnesses, resume

TOPIC_ID = "topic-1"


def pins(index: int, topic_id: str = TOPIC_ID, cell_cap: int = 20_000) -> Pins:
    return Pins(topic_id=topic_id, parameters=FoldParameters(cell_cap=cell_cap), policy_digest="p", index=index)


def record(start: int, end: int, following: Pins) -> SegmentRecord:
    return SegmentRecord(
        id=f"{start}", at_ms=0, topic="t", partition=0, start=start, end=end, counts={}, pins=following
    )


FRESH = pins(0)
CHAIN = (record(0, 100, pins(1)), record(100, 250, pins(2)), record(250, 300, pins(3)))


def test_a_partition_that_was_never_read_begins_at_the_logs_start_with_fresh_pins() -> None:
    assert Resume(7, FRESH, commit_first=True) == resume(Witnesses(None, None, (), log_start=7), FRESH)


def test_the_commit_and_its_pins_say_where_to_go_on() -> None:
    assert Resume(300, pins(3), commit_first=False) == resume(Witnesses(300, pins(3), CHAIN, log_start=0), FRESH)


def test_a_segment_on_the_audit_topic_is_committed_and_not_built_again_under_other_settings() -> None:
    chain = (*CHAIN, record(300, 340, pins(4, cell_cap=9)), record(340, 380, pins(5, cell_cap=9)))

    assert Resume(380, pins(5, cell_cap=9), commit_first=True) == resume(Witnesses(300, pins(3), chain, 0), FRESH)


def test_without_a_commit_the_chains_end_says_where_to_go_on() -> None:
    assert Resume(300, pins(3), commit_first=True) == resume(Witnesses(None, None, CHAIN, log_start=0), FRESH)


def test_a_commit_moved_into_a_segment_replays_from_the_segments_start() -> None:
    assert Resume(100, pins(1), commit_first=True) == resume(Witnesses(249, None, CHAIN, log_start=0), FRESH)


def test_a_commit_moved_to_the_beginning_replays_from_there() -> None:
    assert Resume(0, FRESH, commit_first=True) == resume(Witnesses(0, None, CHAIN, log_start=0), FRESH)


def test_a_commit_moved_before_the_logs_start_keeps_the_identity_of_the_segment_that_lies_there() -> None:
    assert Resume(100, pins(1), commit_first=True, lost=(100, 130)) == resume(Witnesses(0, None, CHAIN, 130), FRESH)


def test_what_left_the_log_before_it_was_read_is_named() -> None:
    assert Resume(300, pins(3), commit_first=False, lost=(300, 350)) == resume(
        Witnesses(300, pins(3), CHAIN, log_start=350), FRESH
    )


def test_a_topic_that_was_made_anew_begins_anew() -> None:
    fresh = pins(0, topic_id="topic-2")

    assert Resume(0, fresh, commit_first=True) == resume(Witnesses(300, pins(3), CHAIN, log_start=0), fresh)
    assert Resume(0, fresh, commit_first=True) == resume(Witnesses(None, None, CHAIN, log_start=0), fresh)
