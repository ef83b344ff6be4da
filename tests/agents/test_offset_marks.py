"""Bookkeeping of what may be committed and what was."""

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from ragpulse.agents.offset_marks import Mark, OffsetMarks

A, B = TP("events", 0), TP("events", 1)


def test_the_first_mark_of_an_epoch_may_lie_anywhere() -> None:
    marks = OffsetMarks()
    marks.mark(A, Mark(100, ""))
    marks.confirm(marks.pending())

    marks.begin_epoch()

    assert {} == dict(marks.committed)
    assert marks.mark(A, Mark(0, "a topic created anew"))


def test_confirmed_marks_are_not_committed_again() -> None:
    marks = OffsetMarks()
    marks.mark(A, Mark(1, ""))
    sent = marks.pending()
    marks.mark(A, Mark(2, ""))
    marks.mark(B, Mark(7, ""))

    marks.confirm(sent)

    assert {A: 1} == dict(marks.committed)
    assert {A: Mark(2, ""), B: Mark(7, "")} == marks.pending()


def test_other_metadata_at_the_same_offset_is_a_mark_of_its_own() -> None:
    marks = OffsetMarks()
    marks.mark(A, Mark(1, "old"))
    marks.confirm(marks.pending())

    assert marks.mark(A, Mark(1, "new"))
    assert {A: Mark(1, "new")} == marks.pending()


def test_dropped_marks_leave_what_was_confirmed() -> None:
    marks = OffsetMarks()
    marks.mark(A, Mark(1, ""))
    marks.confirm(marks.pending())
    marks.mark(A, Mark(2, ""))

    marks.drop_pending()

    assert {} == marks.pending()
    assert not marks.mark(A, Mark(0, ""))


def test_what_the_broker_told_replaces_what_was_known() -> None:
    marks = OffsetMarks()
    marks.learn({A: 5, B: 6}, {A, B})
    marks.learn({A: 7}, {A, B})

    assert {A: 7} == dict(marks.committed)


def test_the_limit_of_metadata_counts_bytes() -> None:
    marks = OffsetMarks()

    assert marks.mark(A, Mark(1, "ä" * 2048))
    with pytest.raises(ValueError, match="4098 bytes of metadata: the limit is 4096"):
        marks.mark(A, Mark(2, "ä" * 2049))
    with pytest.raises(ValueError, match="Cannot commit offset -1"):
        marks.mark(A, Mark(-1, ""))


@given(st.lists(st.integers(0, 100)), st.integers(0, 20))
def test_marks_only_move_forward(offsets: list[int], confirmed_every: int) -> None:
    marks = OffsetMarks()
    highest = 0
    for index, offset in enumerate(offsets):
        assert (offset >= highest) == marks.mark(A, Mark(offset, ""))
        highest = max(highest, offset)
        if confirmed_every and index % confirmed_every == 0:
            marks.confirm(marks.pending())

    marks.confirm(marks.pending())
    assert ({A: highest} if offsets else {}) == dict(marks.committed)
