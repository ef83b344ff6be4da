from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ragpulse.schemas.cell import PANE_MS
from ragpulse.schemas.policy import WINDOW_HOPS_MS
from ragpulse.streams.windows.levels import LONGEST_MS, PANE_SIZES_MS, WINDOW_SIZES, floor_to

TIMES_MS = st.integers(0, 253_402_300_799_999)


def test_panes_of_a_level_are_whole_panes_of_the_level_below() -> None:
    assert PANE_MS == PANE_SIZES_MS[0]
    assert [] == [pair for pair in pairwise(PANE_SIZES_MS) if pair[1] % pair[0]]


def test_every_window_size_of_the_policy_is_made_of_whole_panes() -> None:
    assert sorted(WINDOW_HOPS_MS) == list(WINDOW_SIZES)
    for size in WINDOW_SIZES.values():
        assert (0, 0) == (size.hop_ms % size.pane_ms, size.size_ms % size.hop_ms)


def test_panes_are_kept_for_the_longest_window_made_of_them() -> None:
    assert {10_000: 300_000, 300_000: 3_600_000, 3_600_000: 86_400_000} == LONGEST_MS


@given(TIMES_MS, st.sampled_from(list(WINDOW_SIZES.values())))
def test_an_instant_lies_in_exactly_size_by_hop_windows(at_ms: int, size: object) -> None:
    size = WINDOW_SIZES[size.size_ms]  # type: ignore[attr-defined]
    starts = size.windows_over(at_ms, at_ms + 1)

    assert size.size_ms // size.hop_ms == len(starts)
    assert all(start <= at_ms < start + size.size_ms and start % size.hop_ms == 0 for start in starts)


def test_windows_over_a_stretch_touch_it_and_no_others_do() -> None:
    #        stretch          [20 s ─── 40 s)
    # 1 m windows that begin  -30 s … 30 s
    assert [-30_000, -20_000, -10_000, 0, 10_000, 20_000, 30_000] == list(
        WINDOW_SIZES[60_000].windows_over(20_000, 40_000)
    )


def test_times_are_floored_to_multiples_of_the_step() -> None:
    assert [0, 0, 10_000] == [floor_to(at_ms, 10_000) for at_ms in (0, 9_999, 10_000)]
