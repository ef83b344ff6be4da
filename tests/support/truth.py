"""An independent count: windows recomputed from the produced events with dicts and Python integers, nothing of ragpulse's fold.

Only the wire contract is shared: which bucket a latency falls into is recomputed from exact integer roots.
"""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from math import isqrt
from typing import Any

HOPS_MS = {60_000: 10_000, 300_000: 30_000, 1_800_000: 300_000, 3_600_000: 600_000}
SCALE = 6


def bucket_bounds() -> list[int]:
    """Upper bounds in µs: floor(2 ** (k / 64))."""
    bounds = []
    for k in range(2400):
        value = 1 << k
        for _ in range(SCALE):
            value = isqrt(value)
        bounds.append(value)
    return bounds


BOUNDS = bucket_bounds()


def events(count: int, *, seed: int, start_ms: int, step_ms: float, services: int = 20) -> Iterator[dict[str, Any]]:
    """Yield events in the order of their time; all figures are such that rounding is exact."""
    draw = random.Random(seed)
    for number in range(count):
        status = draw.choices(("ok", "error", "timeout", "rejected"), (95, 3, 1, 1))[0]
        event: dict[str, Any] = {
            "event_id": f"{seed:08x}-{number:012x}",
            "occurred_at_ms": start_ms + int(number * step_ms),
            "service": f"svc-{draw.randrange(services)}",
            "operation": "query_processing",
            "status": status,
            "tenant": "acme",
            "user_id": f"u{draw.randrange(500)}",
            "input_tokens": draw.randrange(2000),
            "output_tokens": draw.randrange(800),
            "cost_usd": draw.randrange(1, 20_000) / 1_000_000,
        }
        if status in ("ok", "timeout"):
            event["latency_ms"] = round(draw.lognormvariate(6, 0.6), 3)
        if draw.random() < 0.8:
            event["quality_score"] = draw.randrange(1001) / 1000
        yield event


def _scaled(value: float, factor: int) -> int:
    return int((Decimal(repr(value)) * factor).to_integral_value(ROUND_HALF_EVEN))


def windows(of: Iterable[dict[str, Any]], until_ms: int) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Return {(service, size_ms, start_ms): figures} for all windows that end by ``until_ms``."""
    panes: dict[tuple[str, int], Counter[Any]] = {}
    for event in of:
        pane = panes.setdefault((event["service"], event["occurred_at_ms"] // 10_000), Counter())
        _add(pane, event)
    return dict(_windows(panes, until_ms))


def _add(pane: Counter[Any], event: dict[str, Any]) -> None:
    pane["count"] += 1
    pane["status", event["status"]] += 1
    pane["input_tokens"] += event["input_tokens"]
    pane["output_tokens"] += event["output_tokens"]
    pane["cost_sum_nano_usd"] += _scaled(event["cost_usd"], 10**9)
    if "latency_ms" in event:
        micros = _scaled(event["latency_ms"], 1000)
        pane["latency_sum_us"] += micros
        pane["latency_count"] += 1
        pane["bucket", bisect_left(BOUNDS, micros) - 1] += 1
    if "quality_score" in event:
        pane["quality_sum_millionths"] += _scaled(event["quality_score"], 10**6)
        pane["quality_count"] += 1


def _windows(panes: dict[tuple[str, int], Counter[Any]], until_ms: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    totals: dict[tuple[str, int, int], Counter[Any]] = {}
    for (service, pane), counts in panes.items():
        for size, hop in HOPS_MS.items():
            start = pane * 10_000 // hop * hop
            while start > pane * 10_000 - size:
                if start + size <= until_ms:
                    totals.setdefault((service, size, start), Counter()).update(counts)
                start -= hop
    for key, counts in totals.items():
        yield key, figures(counts)


def figures(counts: Counter[Any]) -> dict[str, Any]:
    """Return the figures of a window in the words of the contract."""
    names = (
        "count",
        "input_tokens",
        "output_tokens",
        "cost_sum_nano_usd",
        "latency_sum_us",
        "latency_count",
        "quality_sum_millionths",
        "quality_count",
    )
    found: dict[str, Any] = {name: counts[name] for name in names}
    found["status_counts"] = {
        key[1]: value for key, value in counts.items() if isinstance(key, tuple) and key[0] == "status"
    }
    found["buckets"] = {key[1]: value for key, value in counts.items() if isinstance(key, tuple) and key[0] == "bucket"}
    return found


def figures_of(window: dict[str, Any]) -> dict[str, Any]:
    """Return the same figures of a record of rag.windows."""
    histogram = window["latency_histogram"]
    found = {
        name: window[name] or 0
        for name in (
            "count",
            "input_tokens",
            "output_tokens",
            "cost_sum_nano_usd",
            "latency_sum_us",
            "latency_count",
            "quality_sum_millionths",
            "quality_count",
        )
    }
    found["status_counts"] = {status: amount for status, amount in window["status_counts"].items() if amount}
    found["buckets"] = {
        histogram["offset"] + index: amount for index, amount in enumerate(histogram["counts"]) if amount
    }
    return found
