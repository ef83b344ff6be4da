"""How long a breach went unseen: from the append time of the event that made it one, to the record in rag.alerts.

The first event is found again from the source log: the window that opened the violation is refilled event by event in the
order of their append times until its objective is breached.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

MINIMUM_SAMPLES = {"p95_latency_ms": 20, "availability": 10, "quality_score": 10}


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One record of query-events, as far as objectives need it."""

    append_ms: int
    occurred_at_ms: int
    tenant: str
    service: str
    operation: str
    status: str
    latency_ms: float | None
    quality_score: float | None


def delays_ms(
    alerts: Iterable[Mapping[str, Any]], violations: Iterable[Mapping[str, Any]], source: Sequence[SourceEvent]
) -> list[int]:
    """Return the detection delay of each alert that a breach opened, in ms."""
    opened = {violation["violation_id"]: violation for violation in violations if violation["phase"] == "opened"}
    found = []
    for alert in alerts:
        violation = next((opened[cause] for cause in alert["causes"] if cause in opened), None)
        if alert["state"] == "firing" and violation is not None:
            breach = first_breach_ms(violation, source)
            if breach is not None:
                found.append(alert["_timestamp_ms"] - breach)
    return found


def first_breach_ms(violation: Mapping[str, Any], source: Sequence[SourceEvent]) -> int | None:
    """Return the append time of the event with which the violation's window is first in breach."""
    start = violation["opened_window"]["start_ms"]
    end = start + violation["opened_window"]["size_ms"]
    wanted = (violation["tenant"], violation["service"], "query_processing")
    values: list[float] = []  # ascending
    for event in sorted(source, key=lambda event: event.append_ms):
        if (event.tenant, event.service, event.operation) != wanted or not start <= event.occurred_at_ms < end:
            continue
        value = _measured(violation["objective"], event)
        if value is not None:
            insort(values, value)
            if len(values) >= MINIMUM_SAMPLES[violation["objective"]] and _breached(violation, values):
                return event.append_ms
    return None


def summary(delays: Sequence[int]) -> dict[str, float | None]:
    """Return {"p50", "max"} in ms; null where there was nothing to detect."""
    return {"p50": median(delays) if delays else None, "max": max(delays, default=None)}


def _measured(objective: str, event: SourceEvent) -> float | None:
    if objective == "availability":
        return float(event.status == "ok")
    if objective == "quality_score":
        return event.quality_score
    return event.latency_ms if event.status in ("ok", "timeout") else None


def _breached(violation: Mapping[str, Any], values: Sequence[float]) -> bool:
    if violation["objective"] == "p95_latency_ms":
        return values[ceil(0.95 * len(values)) - 1] > float(violation["threshold"])
    return sum(values) / len(values) < float(violation["threshold"])
