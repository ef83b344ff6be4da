"""The columns of a cell: the integer totals of one (tenant, service, operation, variant, pane).

All are integers, so that merging is exact in any order. Sums that could leave 64 bits are kept in two limbs: a cost
sum in nano-dollars is ``COST_HIGH * 2**32 + COST_LOW``. A measurement has a count beside its sum: what is missing is
``COUNT`` less that count, and never reads as zero.
"""

from typing import Final

from ragpulse.schemas.query_event import QUALITY_DIMENSIONS, STATUSES

COLUMNS: Final[tuple[str, ...]] = (
    "count",  # events of this cell, repeats and too late ones excluded
    *(f"status_{status}" for status in STATUSES),
    "duplicate_count",  # repeats of an event_id within their segment
    "too_late_count",  # events beyond the allowed lateness; counted in the pane in which they arrived
    "latency_count",  # of status ok or timeout
    "latency_sum_us",
    "latency_zero_count",  # latency that rounds to 0 µs: the histogram's zero bucket
    "quality_count",
    "quality_sum_millionths",
    "rating_count",
    "rating_sum_millionths",
    "cost_count",
    "cost_sum_high",
    "cost_sum_low",
    "input_tokens_count",
    "input_tokens_sum",
    "output_tokens_count",
    "output_tokens_sum",
    "retrieval_count",
    "retrieval_sum_us",
    "generation_count",
    "generation_sum_us",
    "documents_count",  # events that say which documents were returned
    "documents_sum",
    "empty_retrieval_count",
    *(f"{dimension}_{part}" for dimension in QUALITY_DIMENSIONS for part in ("count", "sum_millionths")),
)
COLUMN: Final[dict[str, int]] = {name: index for index, name in enumerate(COLUMNS)}
COST_LIMB_BITS: Final = 32

PANE_MS: Final = 10_000
FOLD_VERSION: Final = 1
"""Raised with any change to what a segment's records are folded into; a worker refuses a pin of another version."""
