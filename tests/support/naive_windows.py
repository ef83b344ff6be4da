"""Windows recomputed from raw events: sorted lists, no cells, no panes, no levels."""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from fake_ingest import Placed, bucket_of
from merger_runs import WindowKey
from ragpulse.schemas.query_event import STATUSES
from ragpulse.streams.histogram import BOUNDS_US

SIZES_AND_HOPS_MS = {
    60_000: 10_000,
    300_000: 30_000,
    1_800_000: 300_000,
    3_600_000: 600_000,
    21_600_000: 3_600_000,
    86_400_000: 14_400_000,
}


def naive_windows(placed: Iterable[Placed], *, late: bool) -> dict[WindowKey, dict[str, Any]]:
    """Return the figures of all windows: of on-time events, or of late ones too."""
    found: defaultdict[WindowKey, list[Placed]] = defaultdict(list)
    for one in placed:
        event = one.record.event
        if event is None or (one.late and not late):
            continue
        for size_ms, hop_ms in SIZES_AND_HOPS_MS.items():
            last_ms = one.pane_ms - one.pane_ms % hop_ms
            for start_ms in range(last_ms - size_ms + hop_ms, last_ms + 1, hop_ms):
                found[event.tenant, event.service, event.operation, event.variant or None, size_ms, start_ms].append(
                    one
                )
    return {key: figures(content) for key, content in found.items()}


def figures(content: list[Placed]) -> dict[str, Any]:
    events = [one.record.event for one in content if one.record.event is not None and not one.too_late]
    latencies = sorted(
        event.latency_us for event in events if event.latency_us is not None and event.status in ("ok", "timeout")
    )
    qualities = [event.quality for event in events if event.quality is not None]
    costs = [event.cost_nano_usd for event in events if event.cost_nano_usd is not None]
    counts = {status: sum(event.status == status for event in events) for status in STATUSES}
    return {
        "count": len(events),
        "status_counts": counts,
        "availability": counts["ok"] / len(events) if events else None,
        "p50_latency_ms": nearest_rank_ms(latencies, Fraction(1, 2)),
        "p95_latency_ms": nearest_rank_ms(latencies, Fraction(95, 100)),
        "p99_latency_ms": nearest_rank_ms(latencies, Fraction(99, 100)),
        "latency_count": len(latencies),
        "latency_sum_us": sum(latencies),
        "quality_count": len(qualities),
        "quality_sum_millionths": sum(qualities),
        "cost_count": len(costs),
        "cost_sum_nano_usd": sum(costs),
        "late_count": sum(one.late for one in content),
        "too_late_count": sum(one.too_late for one in content),
    }


def nearest_rank_ms(ordered_us: list[int], quantile: Fraction) -> float | None:
    """Middle, in ms, of the bucket that holds the value at position ceil(quantile * n)."""
    if not ordered_us:
        return None
    position = -(-quantile.numerator * len(ordered_us) // quantile.denominator)
    value_us = ordered_us[position - 1]
    if value_us == 0:
        return 0.0
    bucket = bucket_of(value_us)
    below = int(BOUNDS_US[bucket - 1]) if bucket else 0
    return (below + 1 + int(BOUNDS_US[bucket])) / 2000
