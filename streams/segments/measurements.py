"""What is measured in an event, as integers, and where each measurement is added up: the columns of a cell.

Rounded half to even once, here; from here on everything is integers, so that sums are exact in any order.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, COST_LIMB_BITS
from ragpulse.schemas.query_event import QUALITY_DIMENSIONS, STATUSES, Quality
from ragpulse.schemas.query_event_rules import LATENCY_REQUIRED_FOR
from ragpulse.streams.segments.event_columns import Column, Columns, is_missing_throughout, numbers

Integers = NDArray[np.int64]
#: A column of `ragpulse.schemas.cell` and what each event adds to it: integers or truths, one an event.
Addend = tuple[int, NDArray[Any]]

#: Field of the event, factor to its integer unit, beginning of its columns, name of the sum.
_PLAIN: Final = (
    ("quality_score", 1_000_000, "quality", "sum_millionths"),
    ("user_rating", 1_000_000, "rating", "sum_millionths"),
    ("input_tokens", 1, "input_tokens", "sum"),
    ("output_tokens", 1, "output_tokens", "sum"),
    ("retrieval_ms", 1_000, "retrieval", "sum_us"),
    ("generation_ms", 1_000, "generation", "sum_us"),
)
_LIMB_MASK: Final = (1 << COST_LIMB_BITS) - 1


def addends(columns: Columns, latencies_us: Integers) -> Iterator[Addend]:
    """Yield all that the events measure; fields that none of them has are left out.

    ``latencies_us`` is -1 where an event has no latency that counts: see `latencies_us_of`.
    """
    yield COLUMN["count"], np.ones(len(latencies_us), dtype=np.int64)
    yield from _statuses(columns["status"])
    yield from _measured("latency", "sum_us", latencies_us >= 0, latencies_us)
    yield COLUMN["latency_zero_count"], latencies_us == 0
    for name, factor, beginning, sum_name in _PLAIN:
        if not is_missing_throughout(columns[name]):
            yield from _scaled(numbers(columns[name]), factor, beginning, sum_name)
    if not is_missing_throughout(columns["cost_usd"]):
        yield from _cost(numbers(columns["cost_usd"]))
    if not is_missing_throughout(columns["documents"]):
        yield from _documents(columns["documents"])
    if not is_missing_throughout(columns["quality"]):
        yield from _quality_dimensions(columns["quality"])


def latencies_us_of(columns: Columns) -> Integers:
    """Return latencies in µs of the events whose latency counts (fast errors must not flatter it), -1 for the others."""
    latencies = numbers(columns["latency_ms"])
    counts = np.array([status in LATENCY_REQUIRED_FOR for status in columns["status"]])
    return np.where(counts & ~np.isnan(latencies), _integers(latencies, 1_000), -1)


def _integers(values: NDArray[np.float64], factor: int) -> Integers:
    """Round to integers of the smaller unit, half to even; 0 where missing."""
    return np.nan_to_num(np.rint(values * factor)).astype(np.int64)


def _measured(beginning: str, sum_name: str, present: NDArray[np.bool_], amounts: Integers) -> Iterator[Addend]:
    yield COLUMN[f"{beginning}_count"], present
    yield COLUMN[f"{beginning}_{sum_name}"], amounts * present


def _scaled(values: NDArray[np.float64], factor: int, beginning: str, sum_name: str) -> Iterator[Addend]:
    yield from _measured(beginning, sum_name, ~np.isnan(values), _integers(values, factor))


def _statuses(statuses: Column) -> Iterator[Addend]:
    for status in STATUSES:
        if status in statuses:
            yield COLUMN[f"status_{status}"], np.array([status == other for other in statuses])


def _cost(costs: NDArray[np.float64]) -> Iterator[Addend]:
    """Two limbs: a sum of nano-dollars can leave 64 bits. Each limb is a plain sum, so that merging needs no carry."""
    nano_usd = _integers(costs, 1_000_000_000)
    yield from _measured("cost", "sum_high", ~np.isnan(costs), nano_usd >> COST_LIMB_BITS)
    yield COLUMN["cost_sum_low"], nano_usd & _LIMB_MASK


def _documents(documents: Column) -> Iterator[Addend]:
    lengths = np.array([-1 if returned is None else len(returned) for returned in documents])
    yield from _measured("documents", "sum", lengths >= 0, lengths)
    yield COLUMN["empty_retrieval_count"], lengths == 0


def _quality_dimensions(qualities: Sequence[Quality | None]) -> Iterator[Addend]:
    nothing = Quality()
    rows = zip(*(astuple(quality or nothing) for quality in qualities), strict=True)
    columns = dict(zip(Quality.__struct_fields__, rows, strict=True))
    columns["faithfulness"] = tuple(
        accuracy if faithfulness is None else faithfulness
        for faithfulness, accuracy in zip(columns["faithfulness"], columns["accuracy"], strict=True)
    )
    for dimension in QUALITY_DIMENSIONS:
        if not is_missing_throughout(columns[dimension]):
            yield from _scaled(numbers(columns[dimension]), 1_000_000, dimension, "sum_millionths")
