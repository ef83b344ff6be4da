"""Each way to break the contract has one verdict, which names the field and never repeats the value."""

import sys
from typing import Any

import msgspec
import pytest

from ragpulse.schemas.rejection_reason import RejectionReason
from ragpulse.schemas.segment import FoldParameters
from ragpulse.streams.segments.decode import decode, decode_values
from ragpulse.streams.segments.rejection import Rejection
from ragpulse.streams.segments.validate import fault_of
from reference_fold import LogRecord
from source_logs import START_MS, fold, new_fold, query_event

PARAMETERS = FoldParameters()
GOOD = query_event()


def verdict(value: bytes | None, append_ms: int = START_MS) -> Rejection | None:
    event = decode(value, PARAMETERS)
    return event if isinstance(event, Rejection) else fault_of(event, append_ms, PARAMETERS)


def without(field: str) -> bytes:
    return msgspec.json.encode({name: value for name, value in msgspec.json.decode(GOOD).items() if name != field})


def raw(field: str, literal: bytes) -> bytes:
    """Return an event with one field as these bytes, for what no encoder writes."""
    return without(field)[:-1] + b',"' + field.encode() + b'":' + literal + b"}"


def nested(levels: int) -> bytes:
    """Return an event whose own object is the first of so many levels."""
    return raw("extra", b"[" * (levels - 1) + b"]" * (levels - 1))


NOT_JSON = {
    "text": b"hello",
    "truncated": GOOD[:-1],
    "framing byte of a schema registry": b"\x00\x00\x00\x00\x01" + GOOD,
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "trailing data": GOOD + b"{}",
    "two records that would merge in an array": GOOD + b"," + GOOD,
    "NaN": raw("latency_ms", b"NaN"),
    "Infinity": raw("latency_ms", b"-Infinity"),
    "NaN in a field that nobody reads": raw("extra", b"NaN"),
    "NaN in evidence": raw("processing", b'{"purpose":NaN}'),
    "leading zero": raw("latency_ms", b"01"),
    "line feed in a string": raw("service", b'"a\nb"'),
    "half a pair of surrogates": raw("region", b'"\\ud800"'),
    "single quotes": GOOD.replace(b'"', b"'"),
    "trailing comma": GOOD[:-1] + b",}",
    "deep, but never closed": raw("extra", b"[" * 20),
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_rejected_as_a_whole(value: bytes) -> None:
    rejection = verdict(value)

    assert rejection is not None
    assert (RejectionReason.INVALID_JSON, None) == (rejection.reason, rejection.field)


MISSING, TYPE, RANGE = RejectionReason.MISSING_FIELD, RejectionReason.WRONG_TYPE, RejectionReason.OUT_OF_RANGE
UNKNOWN, LABEL = RejectionReason.UNKNOWN_VALUE, RejectionReason.INVALID_LABEL
VERSION, LATENCY = RejectionReason.UNKNOWN_SCHEMA_VERSION, RejectionReason.LATENCY_REQUIRED

BREACHES: dict[str, tuple[bytes, RejectionReason, str | None]] = {
    "no id": (without("event_id"), MISSING, "event_id"),
    "no status": (without("status"), MISSING, "status"),
    "document without id": (query_event(documents=[{"score": 1}]), MISSING, "documents[0].id"),
    "an array": (b"[]", TYPE, None),
    "a string": (b'"hello"', TYPE, None),
    "bool for a number": (query_event(latency_ms=True), TYPE, "latency_ms"),
    "number as string": (query_event(latency_ms="5"), TYPE, "latency_ms"),
    "float for an integer": (query_event(occurred_at_ms=1.5), TYPE, "occurred_at_ms"),
    "number as label": (query_event(service=5), TYPE, "service"),
    "null id": (query_event(event_id=None), TYPE, "event_id"),
    "text in quality": (query_event(quality={"relevance": "high"}), TYPE, "quality.relevance"),
    "evidence is a list": (query_event(processing=[]), TYPE, "processing"),
    "evidence is text": (query_event(processing="yes"), TYPE, "processing"),
    "evidence of another type": (query_event(processing={"mfa": "yes"}), TYPE, "processing.mfa"),
    "category is a number": (query_event(processing={"data_categories": ["a", 1]}), TYPE, "processing.data_categories[1]"),
    "1e400": (raw("latency_ms", b"1e400"), RANGE, "latency_ms"),
    "huge integer": (raw("occurred_at_ms", b"9" * 400), RANGE, "occurred_at_ms"),
    "integer longer than Python converts": (raw("input_tokens", b"9" * 5_000), RANGE, "input_tokens"),
    "negative latency": (query_event(latency_ms=-1), RANGE, "latency_ms"),
    "latency of a day and a bit": (query_event(latency_ms=86_400_000.5), RANGE, "latency_ms"),
    "negative time": (query_event(occurred_at_ms=-1), RANGE, "occurred_at_ms"),
    "quality above one": (query_event(quality_score=1.01), RANGE, "quality_score"),
    "rating of zero stars": (query_event(user_rating=0), RANGE, "user_rating"),
    "empty id": (query_event(event_id=""), RANGE, "event_id"),
    "long id": (query_event(event_id="x" * 129), RANGE, "event_id"),
    "many documents": (query_event(documents=[{"id": "d"}] * 201), RANGE, "documents"),
    "retention of a century and a day": (query_event(processing={"retention_days": 36_526}), RANGE, "processing.retention_days"),
    "unknown operation": (query_event(operation="secret"), UNKNOWN, "operation"),
    "unknown status": (query_event(status="secret"), UNKNOWN, "status"),
    "label with a line feed": (query_event(service="secret\n"), LABEL, "service"),
    "label with a quote": (query_event(service='secret"'), LABEL, "service"),
    "label with a NUL": (query_event(service="secret\x00"), LABEL, "service"),
    "right to left": (query_event(tenant="\u202esecret"), LABEL, "tenant"),
    "emoji": (query_event(variant="\U0001f600"), LABEL, "variant"),
    "reserved label": (query_event(tenant="__other__"), LABEL, "tenant"),
    "ok without latency": (query_event(latency_ms=None), LATENCY, "latency_ms"),
    "timeout without latency": (query_event(status="timeout", latency_ms=None), LATENCY, "latency_ms"),
    "next version": (query_event(schema_version=2), VERSION, "schema_version"),
    "next version without a field of this one": (b'{"schema_version":2,"id":"x"}', VERSION, "schema_version"),
    "version zero": (query_event(schema_version=0), VERSION, "schema_version"),
    "version is text": (query_event(schema_version="1"), TYPE, "schema_version"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "reason", "field"), BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_contract_names_reason_and_field(
    value: bytes, reason: RejectionReason, field: str | None
) -> None:
    rejection = verdict(value)

    assert rejection is not None
    assert (reason, field) == (rejection.reason, rejection.field)


@pytest.mark.parametrize("value", [value for value, _, _ in BREACHES.values()], ids=BREACHES)
def test_the_message_is_short_and_keeps_the_value_to_itself(value: bytes) -> None:
    rejection = verdict(value)

    assert rejection is not None
    assert 0 < len(rejection.message) <= 300
    assert "secret" not in rejection.message


RIGHT = {
    "only what is required": GOOD,
    "an error without latency": query_event(status="error", latency_ms=None),
    "an unknown field": query_event(brand_new={"a": [1, 1e300]}),
    "an unknown field out of any range": raw("extra", b"1e400"),
    "version one": query_event(schema_version=1),
    "an integer for a float": query_event(latency_ms=5),
    "no evidence": query_event(processing=None),
    "spaces": b' { "x" : 1 , ' + GOOD[1:] + b"\r\n",
    "letters beyond ASCII outside of labels": query_event(region="\u00fc\U0001f600", user_id="\u202e"),
    "a label of 128": query_event(service="s" * 128),
    "as deep as allowed": nested(32),
    "many brackets, but flat": query_event(documents=[{"id": "[{[{"}] * 200),
    "brackets in a string behind a quote": raw("extra", b'"\\"' + b"[" * 100 + b'"'),
}


@pytest.mark.parametrize("value", RIGHT.values(), ids=RIGHT)
def test_what_keeps_the_contract_is_accepted(value: bytes) -> None:
    assert verdict(value) is None


@pytest.mark.parametrize("value", [None, b""])
def test_a_record_without_value_is_rejected(value: bytes | None) -> None:
    assert verdict(value) == Rejection(RejectionReason.EMPTY_VALUE, None, "The record has no value")


def test_size_is_judged_before_anything_is_parsed() -> None:
    limit = PARAMETERS.max_event_bytes
    fits = raw("extra", b'"' + b"x" * (limit - len(raw("extra", b'""'))) + b'"')
    assert limit == len(fits)

    assert verdict(fits) is None
    too_large = verdict(b"\xff" * (limit + 1))
    assert too_large is not None
    assert too_large.reason is RejectionReason.TOO_LARGE


@pytest.mark.parametrize("field", ["service", "extra", "processing"])
def test_bad_utf8_is_found_in_any_field(field: str) -> None:
    rejection = verdict(raw(field, b'"\xff"'))

    assert rejection is not None
    assert rejection.reason is RejectionReason.INVALID_UTF8


@pytest.mark.parametrize("value", [nested(33), nested(100_000), b"[" * 200_000, b'{"a":' * 40_000])
def test_nesting_is_judged_before_anything_is_parsed(value: bytes) -> None:
    rejection = verdict(value)

    assert rejection is not None
    assert rejection.reason is RejectionReason.TOO_DEEP


def test_the_verdict_on_nesting_does_not_depend_on_the_stack() -> None:
    value = nested(32)

    def from_depth(calls: int) -> Rejection | None:
        return from_depth(calls - 1) if calls else verdict(value)

    assert from_depth(sys.getrecursionlimit() // 2) is None


@pytest.mark.parametrize(
    ("occurred_at_ms", "reason"),
    [
        (START_MS + 300_000, None),
        (START_MS + 300_001, RejectionReason.TIME_IN_FUTURE),
        (START_MS - 604_800_000, None),
        (START_MS - 604_800_001, RejectionReason.TIME_TOO_OLD),
        (START_MS // 1_000, RejectionReason.TIME_TOO_OLD),  # seconds
        (0, RejectionReason.TIME_TOO_OLD),
        (253_402_300_799_999, RejectionReason.TIME_IN_FUTURE),
    ],
)
def test_time_is_compared_with_the_append_time(occurred_at_ms: int, reason: RejectionReason | None) -> None:
    rejection = verdict(query_event(occurred_at_ms=occurred_at_ms), START_MS)

    assert reason == (rejection.reason if rejection else None)


def test_nanoseconds_are_beyond_any_time() -> None:
    rejection = verdict(query_event(occurred_at_ms=START_MS * 1_000_000))

    assert rejection is not None
    assert (RANGE, "occurred_at_ms") == (rejection.reason, rejection.field)


def test_what_is_known_of_a_rejection_when_two_rules_are_broken_is_the_first_of_a_fixed_order() -> None:
    value = query_event(schema_version=2, latency_ms=None, service="__x", processing=[], occurred_at_ms=0)
    fields: list[str | None] = []
    repairs: list[dict[str, Any]] = [
        {"schema_version": 1}, {"latency_ms": 1}, {"service": "x"}, {"processing": None}, {"occurred_at_ms": START_MS},
    ]  # fmt: skip

    for repair in repairs:
        rejection = verdict(value)
        fields.append(rejection.field if rejection else None)
        value = msgspec.json.encode(msgspec.json.decode(value) | repair)

    assert ["schema_version", "latency_ms", "service", "processing", "occurred_at_ms"] == fields
    assert verdict(value) is None


#: Right in all but its size.
TOO_LARGE = raw("extra", b'"' + b"x" * 300_000 + b'"')
BAD = [*NOT_JSON.values(), *(value for value, _, _ in BREACHES.values()), None, b"", nested(33), TOO_LARGE]


@pytest.mark.parametrize("value", [*BAD, *RIGHT.values()], ids=lambda value: repr(value)[:40])
def test_a_value_among_others_gets_the_verdict_it_gets_alone(value: bytes | None) -> None:
    alone = verdict(value)

    step = fold(new_fold(PARAMETERS), [LogRecord(at, START_MS, one) for at, one in enumerate([GOOD, value, GOOD])])

    expected = [(1, alone.reason, alone.field, alone.message)] if alone else []
    assert expected == [(one.offset, one.reason, one.field, one.message) for one in step.rejections]


def test_positions_are_kept_where_good_and_bad_values_are_mixed() -> None:
    mixed = [value for bad in BAD for value in (GOOD, bad)]

    decoded = decode_values(mixed, PARAMETERS, first=7)

    assert sorted([*decoded.positions, *decoded.rejections]) == list(range(7, 7 + len(mixed)))
    assert {7 + at for at, value in enumerate(mixed) if value == GOOD} <= set(decoded.positions)
