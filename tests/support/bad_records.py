"""Records that break the contract, each with the reason and the field that its rejection has to name."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ragpulse.schemas.rejection_reason import RejectionReason as R

DAY_MS = 86_400_000


@dataclass(frozen=True)
class BadKind:
    """One way to be wrong. ``make`` takes a number, so that no two records are equal, and the time of now."""

    make: Callable[[int, int], bytes | None]
    reason: R
    field: str | None = None


def event(number: int, now_ms: int, **fields: Any) -> dict[str, Any]:
    """Return a right event, apart from the given fields; a field that is ... is left out."""
    right = {
        "event_id": f"bad-{number}",
        "occurred_at_ms": now_ms,
        "service": "wrong",
        "operation": "query_processing",
        "status": "ok",
        "latency_ms": 120.5,
        "question": "naïve?",
    }
    return {name: value for name, value in {**right, **fields}.items() if value is not ...}


def with_fields(reason: R, field: str, **fields: Any) -> BadKind:
    """Return the kind that differs from a right event in some fields."""
    return BadKind(lambda number, now_ms: json.dumps(event(number, now_ms, **fields)).encode(), reason, field)


def bytes_of(reason: R, make: Callable[[bytes], bytes]) -> BadKind:
    """Return the kind that is a right event's bytes, spoiled: the record as a whole is at fault."""
    return BadKind(lambda number, now_ms: make(json.dumps(event(number, now_ms)).encode()), reason)


def at(reason: R, offset_ms: int) -> BadKind:
    """Return the kind whose time is wrong by so much."""
    return BadKind(
        lambda number, now_ms: json.dumps(event(number, now_ms, occurred_at_ms=now_ms + offset_ms)).encode(),
        reason,
        "occurred_at_ms",
    )


def padded(size: int) -> Callable[[bytes], bytes]:
    """Return what makes a record that large."""
    return lambda raw: raw[:-1] + b', "padding": "' + b"x" * (size - len(raw) - 15) + b'"}'


NESTED = b', "extra": ' + b'{"a":[' * 20 + b"1" + b"]}" * 20 + b"}"

KINDS = (
    BadKind(lambda _number, _now_ms: None, R.EMPTY_VALUE),
    BadKind(lambda _number, _now_ms: b"", R.EMPTY_VALUE),
    BadKind(lambda number, _now_ms: b"latency went up at %d" % number, R.INVALID_JSON),
    bytes_of(R.INVALID_JSON, lambda raw: raw[:-1]),
    bytes_of(R.INVALID_JSON, lambda raw: raw + b"}"),
    bytes_of(R.INVALID_JSON, lambda raw: raw.replace(b"120.5", b"NaN")),
    bytes_of(R.INVALID_UTF8, lambda raw: raw.replace(b"wrong", b"wr\xffng")),
    bytes_of(R.INVALID_UTF8, lambda raw: raw.decode("unicode_escape").encode("latin-1")),
    bytes_of(R.TOO_DEEP, lambda raw: raw[:-1] + NESTED),
    bytes_of(R.WRONG_TYPE, lambda raw: b"[" + raw + b"]"),
    BadKind(lambda number, _now_ms: str(number).encode(), R.WRONG_TYPE),
    *(with_fields(R.MISSING_FIELD, name, **{name: ...}) for name in ("event_id", "occurred_at_ms", "service")),
    *(with_fields(R.MISSING_FIELD, name, **{name: ...}) for name in ("operation", "status")),
    with_fields(R.MISSING_FIELD, "documents[0].id", documents=[{"score": 0.5}]),
    with_fields(R.WRONG_TYPE, "latency_ms", latency_ms="fast"),
    with_fields(R.WRONG_TYPE, "latency_ms", latency_ms=True),
    with_fields(R.WRONG_TYPE, "occurred_at_ms", occurred_at_ms="2026-01-01T00:00:00Z"),
    with_fields(R.WRONG_TYPE, "service", service=None),
    with_fields(R.WRONG_TYPE, "processing.mfa", processing={"mfa": "yes"}),
    with_fields(R.OUT_OF_RANGE, "event_id", event_id=""),
    with_fields(R.OUT_OF_RANGE, "latency_ms", latency_ms=-0.001),
    with_fields(R.OUT_OF_RANGE, "quality_score", quality_score=1.01),
    with_fields(R.OUT_OF_RANGE, "quality.relevance", quality={"relevance": -1}),
    with_fields(R.OUT_OF_RANGE, "cost_usd", cost_usd=1_000_001),
    with_fields(R.OUT_OF_RANGE, "user_rating", user_rating=0),
    with_fields(R.UNKNOWN_VALUE, "operation", operation="guessing"),
    with_fields(R.UNKNOWN_VALUE, "status", status="fine"),
    with_fields(R.INVALID_LABEL, "service", service="payments prod"),
    with_fields(R.INVALID_LABEL, "tenant", tenant="__other__"),
    with_fields(R.INVALID_LABEL, "variant", variant="a\nb"),
    with_fields(R.LATENCY_REQUIRED, "latency_ms", latency_ms=...),
    with_fields(R.LATENCY_REQUIRED, "latency_ms", latency_ms=None, status="timeout"),
    with_fields(R.UNKNOWN_SCHEMA_VERSION, "schema_version", schema_version=2),
    at(R.TIME_IN_FUTURE, 6 * 60_000),
    at(R.TIME_TOO_OLD, -8 * DAY_MS),
)
LARGE_KINDS = (bytes_of(R.TOO_LARGE, padded(300_000)), bytes_of(R.TOO_LARGE, padded(990_000)))
"""A few of these are enough."""
