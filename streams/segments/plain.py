"""The cheap check before parsing: most values are short, ASCII and flat, and one look at many of them says so."""

from collections.abc import Sequence
from typing import Final, TypeGuard

import numpy as np

from ragpulse.schemas.segment import FoldParameters

_OPENING_BRACKET: Final = ord("{")
_CASE_BIT: Final = 0x20  # what "[" and "{" differ in; no other byte becomes one of them


def are_plain(values: Sequence[bytes | None], parameters: FoldParameters) -> TypeGuard[Sequence[bytes]]:
    """Say whether all values are certainly within the bounds on size, encoding and nesting; at least one value.

    Sufficient only: a value that opens many brackets may still be flat. Half the cost of counting brackets one by one.
    """
    if not all(values):
        return False
    joined = b"".join(values)  # type: ignore[arg-type]  # none of them is None
    sizes = list(map(len, values))  # type: ignore[arg-type]
    if max(sizes) > parameters.max_event_bytes or not joined.isascii():
        return False
    brackets = np.flatnonzero((np.frombuffer(joined, dtype=np.uint8) | _CASE_BIT) == _OPENING_BRACKET)
    before = np.searchsorted(brackets, np.cumsum([0, *sizes]))
    return bool(np.diff(before).max() <= parameters.max_depth)
