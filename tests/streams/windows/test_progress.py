import pytest

from ragpulse.schemas.window_partial import Progress
from ragpulse.streams.windows.progress import SIGN_OF_LIFE_MS, SourcePartition, Sources, lowest

HOLD_MS = 900_000


def sources(count: int = 2, log_ms: int = 0) -> Sources:
    known = Sources()
    known.run(log_ms)
    known.begin("topic-1")
    known.expect(count, None)
    return known


def progress(partition: int, watermark_ms: int | None, reached: int = 0, committed: int = 0) -> Progress:
    return Progress("topic-1", partition, 2, reached, committed, watermark_ms)


def pass_time(known: Sources, passed_ms: int) -> None:
    """Let others write often enough that it counts."""
    for _ in range(passed_ms // SIGN_OF_LIFE_MS):
        known.run((known.log_ms or 0) + SIGN_OF_LIFE_MS)


def test_a_partition_not_heard_of_holds_the_watermark_at_minus_infinity() -> None:
    known = sources()
    known.hear(progress(0, 50_000))

    assert None is known.watermark_ms(HOLD_MS)


def test_the_watermark_is_that_of_the_slowest_partition() -> None:
    known = sources()
    known.hear(progress(0, 50_000))
    known.hear(progress(1, 20_000))

    assert 20_000 == known.watermark_ms(HOLD_MS)


def test_a_watermark_never_falls_and_silence_about_it_changes_nothing() -> None:
    known = sources(1)
    for watermark_ms in (50_000, 20_000, None):
        known.hear(progress(0, watermark_ms))

    assert 50_000 == known.watermark_ms(HOLD_MS)


def test_a_watermark_of_zero_is_one() -> None:
    known = sources(1)
    known.hear(progress(0, 0))

    assert 0 == known.watermark_ms(HOLD_MS)


def test_committed_starts_only_rise() -> None:
    known = sources(1)
    known.hear(progress(0, 1, committed=100))

    assert 100 == known.hear(progress(0, 1, committed=40)).folded_through


def test_a_silent_partition_is_waited_for_until_the_hold_limit() -> None:
    known = sources()
    known.hear(progress(1, 20_000))
    pass_time(known, HOLD_MS - SIGN_OF_LIFE_MS)
    known.hear(progress(0, 50_000))

    assert 20_000 == known.watermark_ms(HOLD_MS)
    pass_time(known, SIGN_OF_LIFE_MS)
    assert 50_000 == known.watermark_ms(HOLD_MS)


def test_a_stretch_in_which_nobody_wrote_is_nobodys_silence() -> None:
    known = sources()
    known.hear(progress(1, 20_000))
    known.run(8 * 3_600_000)
    known.hear(progress(0, 50_000))

    assert SIGN_OF_LIFE_MS == known.silent_for_ms(known.partitions[1])
    assert 20_000 == known.watermark_ms(HOLD_MS)


def test_log_time_never_goes_back() -> None:
    known = sources(1, log_ms=10_000)
    known.run(4_000)
    known.run(11_000)

    assert (11_000, 1_000) == (known.log_ms, known.running_ms)


def test_where_all_are_silent_nothing_is_known() -> None:
    known = sources(1)
    known.hear(progress(0, 50_000))
    pass_time(known, HOLD_MS)

    assert None is known.watermark_ms(HOLD_MS)


def test_a_new_topic_id_starts_new_watermarks_and_retires_the_old_for_good() -> None:
    known = sources(1)
    known.hear(progress(0, 50_000))
    assert known.is_new("topic-2")
    known.begin("topic-2")
    known.expect(1, 50_000)

    assert None is known.watermark_ms(HOLD_MS)
    assert not known.is_new("topic-1")
    assert not known.is_new("topic-2")


@pytest.mark.parametrize(
    ("watermarks_ms", "leading_ms"), [([], None), ([7], 7), ([1, 9], 9), ([1, 5, 9], 5), ([1, 2, 3, 300_000], 3)]
)
def test_one_clock_that_is_ahead_does_not_move_the_present(watermarks_ms: list[int], leading_ms: int | None) -> None:
    known = sources(len(watermarks_ms) + 1)
    for partition, watermark_ms in enumerate(watermarks_ms):
        known.hear(progress(partition, watermark_ms))

    assert leading_ms == known.leading_watermark_ms(15_000)


def test_what_is_settled_lies_behind_every_segment_that_is_still_to_be_folded() -> None:
    #                          reached  watermark  committed
    reports = [(10, 1_000, 0), (20, 2_000, 5), (30, 3_000, 10), (40, 4_000, 25), (50, 5_000, 40)]
    known = sources(1)

    settled = []
    for reached, watermark_ms, committed in reports:
        known.hear(progress(0, watermark_ms, reached, committed))
        settled.append(known.folded_watermark_ms(HOLD_MS))

    assert [None, None, 1_000, 1_000, 3_000] == settled


def test_a_restarted_worker_vouches_for_no_more_than_it_has_read_itself() -> None:
    known = sources(1)
    known.hear(progress(0, 9_000, reached=90, committed=0))
    known.hear(progress(0, 1_000, reached=10, committed=10))
    known.hear(progress(0, 2_000, reached=20, committed=15))
    assert None is known.folded_watermark_ms(HOLD_MS)

    known.hear(progress(0, 9_500, reached=95, committed=92))
    assert 9_000 == known.folded_watermark_ms(HOLD_MS)


def test_holes_grow_while_panes_are_sealed_without_a_partition_and_close_from_the_front() -> None:
    source = SourcePartition(0, 0, None)
    for start_ms in (0, 10, 20, 50):
        source.miss(start_ms, start_ms + 10)

    assert [(0, 30), (50, 60)] == source.holes
    assert [(0, 20)] == source.fill_holes(20)
    assert [(20, 30), (50, 60)] == source.holes
    assert [True, False, True, False] == [source.was_included(at_ms) for at_ms in (10, 20, 30, 55)]
    assert [True, False, True] == [source.is_missing(*stretch) for stretch in ((0, 21), (30, 50), (30, 51))]
    assert [(20, 30), (50, 60)] == source.fill_holes(100)
    assert [] == source.holes


def test_panes_from_before_a_partition_joined_were_sealed_without_it() -> None:
    source = SourcePartition(0, 0, joined_ms=100)

    assert [False, True] == [source.was_included(at_ms) for at_ms in (90, 100)]


def test_that_a_partition_joined_is_forgotten_once_all_from_before_is_folded() -> None:
    known = sources(0)
    known.expect(1, 100)
    joined = []
    for reached, watermark_ms, committed in ((10, 150, 0), (20, 160, 9), (30, 170, 10)):
        source = known.hear(progress(0, watermark_ms, reached, committed))
        source.forget_joining()
        joined.append(source.joined_ms)

    assert [100, 100, None] == joined


@pytest.mark.parametrize(
    ("watermarks_ms", "expected"), [([], None), ([None], None), ([1, None], None), ([3, 2], 2), ([0], 0)]
)
def test_minus_infinity_is_lower_than_any_watermark(watermarks_ms: list[int | None], expected: int | None) -> None:
    assert expected == lowest(watermarks_ms)
