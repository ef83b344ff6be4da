"""Events as columns: one pass takes them apart, and numpy does the rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from ragpulse.schemas.query_event import QueryEvent

Column = tuple[Any, ...]
Columns = dict[str, Column]


def columns_of(events: Sequence[QueryEvent]) -> Columns:
    """Return the fields of the events, a column each. At least one event."""
    return dict(zip(QueryEvent.__struct_fields__, zip(*map(astuple, events), strict=True), strict=True))


def is_missing_throughout(column: Column) -> bool:
    """Say whether no event has the field. Most optional fields of most producers: worth one comparison."""
    return column[0] is None and column.count(None) == len(column)


def numbers(column: Column) -> NDArray[np.float64]:
    """Return a numeric column as floats, NaN where missing. Exact: all bounds of the contract lie below 2**53."""
    return np.array(column, dtype=np.float64)
