"""What is measured in an event, as whole numbers, and where each measurement is added up: the columns of a cell.

Rounded half to even once, here; all are integers below 2**53, which floats hold exactly, as they do NaN for "missing".
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ragpulse.schemas.cell import COLUMN, COST_LIMB_BITS
from ragpulse.schemas.query_event import QUALITY_DIMENSIONS, STATUSES
from ragpulse.schemas.query_event_rules import LATENCY_REQUIRED_FOR
from ragpulse.streams.segments.event_fields import Fields, is_missing_throughout, lengths, quality_dimensions

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Measurement(NamedTuple):
    """A field, the factor to its integer unit, and the columns of `ragpulse.schemas.cell` it goes to."""

    field: str
    factor: float
    counted: str
    summed: str


MEASUREMENTS: Final = (
    Measurement("latency_ms", 1e3, "latency_count", "latency_sum_us"),
    Measurement("quality_score", 1e6, "quality_count", "quality_sum_millionths"),
    Measurement("user_rating", 1e6, "rating_count", "rating_sum_millionths"),
    Measurement("cost_usd", 1e9, "cost_count", "cost_sum_low"),
    Measurement("input_tokens", 1, "input_tokens_count", "input_tokens_sum"),
    Measurement("output_tokens", 1, "output_tokens_count", "output_tokens_sum"),
    Measurement("retrieval_ms", 1e3, "retrieval_count", "retrieval_sum_us"),
    Measurement("generation_ms", 1e3, "generation_count", "generation_sum_us"),
    Measurement("documents", 1, "documents_count", "documents_sum"),
    *(Measurement(name, 1e6, f"{name}_count", f"{name}_sum_millionths") for name in QUALITY_DIMENSIONS),
)
LATENCY: Final = 0  # rows of MEASUREMENTS
_COST: Final = 3
_DOCUMENTS: Final = 8

_FACTORS: Final = np.array([[measurement.factor] for measurement in MEASUREMENTS])
_COUNT_COLUMNS: Final = np.array([COLUMN[measurement.counted] for measurement in MEASUREMENTS])
_SUM_COLUMNS: Final = np.array([COLUMN[measurement.summed] for measurement in MEASUREMENTS])
_STATUS_COLUMNS: Final = np.array([COLUMN[f"status_{status}"] for status in STATUSES])
_HAS_LATENCY: Final = np.array([status in LATENCY_REQUIRED_FOR for status in STATUSES])
_LIMB: Final = float(1 << COST_LIMB_BITS)


class Addends(NamedTuple):
    """What each event adds to its cell: ``amounts`` has a row for each of ``columns``, an entry an event."""

    columns: Codes
    amounts: Floats


def whole_numbers(fields: Fields, statuses: Codes) -> Floats:
    """Return the MEASUREMENTS of some events, a row each, in their integer units; NaN where missing.

    A latency of another status than ok or timeout does not count (fast errors must not flatter it): NaN too.
    """
    given = fields | {"documents": lengths(fields["documents"])}
    if not is_missing_throughout(fields["quality"]):
        given |= quality_dimensions(fields["quality"])
    numbers = np.full((len(MEASUREMENTS), len(statuses)), np.nan)
    for row, measurement in enumerate(MEASUREMENTS):
        field = given.get(measurement.field)
        if field is not None and not is_missing_throughout(field):
            numbers[row] = np.array(field, dtype=np.float64)
    numbers[LATENCY, ~_HAS_LATENCY[statuses]] = np.nan
    return np.asarray(np.rint(numbers * _FACTORS))


def addends(numbers: Floats, statuses: Codes) -> Addends:
    """Return what events with these measurements add to their cells; columns that all leave alone are left out."""
    parts = [*_counted(statuses), *_measured(numbers)]
    return Addends(np.concatenate([part.columns for part in parts]), np.concatenate([part.amounts for part in parts]))


def _counted(statuses: Codes) -> Iterator[Addends]:
    yield _one("count", np.ones(len(statuses)))
    yield Addends(_STATUS_COLUMNS, (np.arange(len(STATUSES))[:, None] == statuses).astype(np.float64))


def _measured(numbers: Floats) -> Iterator[Addends]:
    is_there = ~np.isnan(numbers)
    amounts = np.where(is_there, numbers, 0.0)
    yield _one("latency_zero_count", numbers[LATENCY] == 0.0)
    yield _one("empty_retrieval_count", numbers[_DOCUMENTS] == 0.0)
    # Two limbs: a sum of nano-dollars can leave 64 bits. Each is a plain sum, so that merging needs no carry.
    high = np.floor(amounts[_COST] / _LIMB)
    amounts[_COST] -= high * _LIMB
    yield _one("cost_sum_high", high)
    present = is_there.any(axis=1)
    yield Addends(_COUNT_COLUMNS[present], is_there[present].astype(np.float64))
    yield Addends(_SUM_COLUMNS[present], amounts[present])


def _one(column: str, amounts: NDArray[np.bool_] | Floats) -> Addends:
    return Addends(np.array([COLUMN[column]]), amounts[None].astype(np.float64))
