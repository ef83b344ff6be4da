"""Results: the `Window` that an aggregate is published as. Floats appear here and nowhere before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragpulse.schemas.identity import derived_id
from ragpulse.schemas.query_event import QUALITY_DIMENSIONS, STATUSES
from ragpulse.schemas.window import DimensionMean, LatencyHistogram, Window
from ragpulse.streams import histogram
from ragpulse.streams.windows.aggregate import Aggregate
from ragpulse.streams.windows.series import Series


@dataclass(frozen=True, slots=True)
class Span:
    """Which window, and in which state of knowledge. ``incomplete`` names source partitions whose events may be missing."""

    start_ms: int
    size_ms: int
    revision: int
    incomplete: Sequence[int] = ()

    @property
    def end_ms(self) -> int:
        """Return the first millisecond after the window."""
        return self.start_ms + self.size_ms


def window_of(series: Series, span: Span, events: Aggregate, late_count: int = 0) -> Window:
    """Return the published form of a final window or of a revision of it.

    Args:
        series: What it is a window of.
        span: Its place, and the flush it reflects.
        events: All its events, late ones included.
        late_count: How many of them were late.

    """
    variant = series.variant or None
    identity = (series.tenant, series.service, series.operation, variant, span.size_ms, span.start_ms, span.revision)
    return Window(
        id=derived_id(*identity),
        at_ms=span.end_ms,
        service=series.service,
        tenant=series.tenant,
        operation=series.operation,
        variant=variant,
        window_start_ms=span.start_ms,
        window_size_ms=span.size_ms,
        final=True,
        revision=span.revision,
        incomplete=list(span.incomplete),
        late_count=late_count,
        distinct_users=events.distinct_users(),
        latency_histogram=histogram_of(events),
        **_outcomes(events),
        **_latencies(events),
        **_qualities(events),
        **_costs(events),
        **_parts(events),
    )


def histogram_of(events: Aggregate) -> LatencyHistogram:
    """Return the latencies in OpenTelemetry's words: dense from the first bucket to the last; its index is ours less 1."""
    indices = events.bucket_indices
    first, last = (int(indices[0]), int(indices[-1])) if len(indices) else (1, 0)
    counts = np.zeros(last - first + 1, np.int64)
    counts[indices - first] = events.bucket_counts
    return LatencyHistogram(
        scale=histogram.SCALE, zero_count=events["latency_zero_count"], offset=first - 1, counts=counts.tolist()
    )


def mean(total: int, count: int, scale: int) -> float | None:
    """Return ``total / count`` in units of ``scale``; None where nothing was measured."""
    return total / (count * scale) if count else None


def _outcomes(events: Aggregate) -> dict[str, Any]:
    statuses = {status: events[f"status_{status}"] for status in STATUSES}
    return {
        "count": events["count"],
        "status_counts": statuses,
        "availability": mean(statuses["ok"], sum(statuses.values()), 1),
        "duplicate_count": events["duplicate_count"],
        "too_late_count": events["too_late_count"],
    }


def _latencies(events: Aggregate) -> dict[str, Any]:
    return {
        "p50_latency_ms": events.percentile_ms(0.50),
        "p95_latency_ms": events.percentile_ms(0.95),
        "p99_latency_ms": events.percentile_ms(0.99),
        "average_latency_ms": mean(events["latency_sum_us"], events["latency_count"], 1000),
        "latency_count": events["latency_count"],
        "latency_sum_us": events["latency_sum_us"],
    }


def _qualities(events: Aggregate) -> dict[str, Any]:
    return {
        "average_quality_score": mean(events["quality_sum_millionths"], events["quality_count"], 1_000_000),
        "quality_count": events["quality_count"],
        "quality_sum_millionths": events["quality_sum_millionths"],
        "quality_dimensions": _dimensions(events),
        "average_user_rating": mean(events["rating_sum_millionths"], events["rating_count"], 1_000_000),
        "rating_count": events["rating_count"],
        "rating_sum_millionths": events["rating_sum_millionths"],
    }


def _dimensions(events: Aggregate) -> dict[str, DimensionMean]:
    means: dict[str, DimensionMean] = {}
    for dimension in QUALITY_DIMENSIONS:
        if count := events[f"{dimension}_count"]:
            total = events[f"{dimension}_sum_millionths"]
            means[dimension] = DimensionMean(mean=total / (count * 1_000_000), count=count)
    return means


def _costs(events: Aggregate) -> dict[str, Any]:
    nano_usd = events.cost_sum_nano_usd
    return {
        "cost_usd": nano_usd / 1_000_000_000 if events["cost_count"] else None,
        "cost_count": events["cost_count"],
        "cost_sum_nano_usd": nano_usd,
        "input_tokens": events["input_tokens_sum"] if events["input_tokens_count"] else None,
        "input_tokens_count": events["input_tokens_count"],
        "output_tokens": events["output_tokens_sum"] if events["output_tokens_count"] else None,
        "output_tokens_count": events["output_tokens_count"],
    }


def _parts(events: Aggregate) -> dict[str, Any]:
    return {
        "average_retrieval_ms": mean(events["retrieval_sum_us"], events["retrieval_count"], 1000),
        "retrieval_count": events["retrieval_count"],
        "retrieval_sum_us": events["retrieval_sum_us"],
        "average_generation_ms": mean(events["generation_sum_us"], events["generation_count"], 1000),
        "generation_count": events["generation_count"],
        "generation_sum_us": events["generation_sum_us"],
        "documents_count": events["documents_count"],
        "documents_sum": events["documents_sum"],
        "empty_retrieval_count": events["empty_retrieval_count"],
    }
