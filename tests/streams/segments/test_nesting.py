"""Depth of nesting equals that of the parsed value, whatever stands in its strings."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ragpulse.streams.segments.nesting import is_deeper_than

TEXTS = st.text(st.sampled_from('[]{}"\\\n,:a'), max_size=4)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.integers(0, 8))
def test_depth_is_that_of_the_parsed_value(value: Any, limit: int) -> None:
    assert (depth(value) > limit) == is_deeper_than(json.dumps(value).encode(), limit)


def test_strings_that_never_end_are_scanned_once() -> None:
    # Quadratic scanning would take minutes here.
    assert not is_deeper_than(b"[" * 33 + b'"\\' * 100_000, 33)
